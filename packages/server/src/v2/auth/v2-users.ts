import type { Store } from '@kvorum/mvcc';
import type { Passwords } from '../../auth/passwords.ts';
import { v2Request } from '../../codec/v2-request.ts';
import type { Logger } from '../../logging/logger.ts';
import type { NodeLoop } from '../../node-loop.ts';
import type { Proposer } from '../../proposer.ts';
import { goJsonText } from '../go-json.ts';
import { ADMIN_ROOT, AUTH_ENABLED, nameOf } from '../key-path.ts';
import { StoreView } from '../node-view.ts';
import { V2Error } from '../v2-error.ts';
import type { V2Store } from '../v2-store.ts';
import { refusal } from './auth-refusal.ts';
import { changedRole, GUEST, type KeyPatterns, ROOT, unlimitedRole, type V2Role } from './role.ts';
import { changedRoles, userJson, type V2User, withRootRole } from './user.ts';

export interface V2UsersOptions {
  readonly v2: V2Store;
  /** Another one after a state was received. */
  readonly storage: { readonly store: Store };
  readonly proposer: Proposer;
  readonly loop: NodeLoop;
  readonly passwords: Passwords;
  readonly logger: Logger;
}

/** A change of a user. A password is a plain one here; empty for none. */
export interface UserChange {
  readonly user: string;
  readonly password: string;
  readonly grant: readonly string[];
  readonly revoke: readonly string[];
}

const USERS = `${ADMIN_ROOT}/users`;
const ROLES = `${ADMIN_ROOT}/roles`;

/**
 * Users and roles of the v2 API, which have nothing to do with those of v3. As in etcd they are files of the v2 store,
 * in a part of it that no client sees, and are changed by the same entries.
 */
export class V2Users {
  readonly #options: V2UsersOptions;
  /** The directories are there. */
  #isReady = false;

  constructor(options: V2UsersOptions) {
    this.#options = options;
  }

  /** Whether callers are asked who they are, as far as this member knows. */
  get isEnabled(): boolean {
    return this.#options.v2.isAuthEnabled;
  }

  userNames(): string[] {
    return this.#names(USERS);
  }

  roleNames(): string[] {
    return [ROOT, ...this.#names(ROLES)].sort();
  }

  /** Throws `AuthRefusal` 404. */
  user(name: string): V2User {
    const stored = this.#read(`${USERS}/${bytesOf(name)}`);
    if (stored === undefined) throw refusal(404, `User ${name} does not exist.`);
    const { user = '', password = '', roles = null } = JSON.parse(stored) as Partial<V2User>;
    return withRootRole({ user, password, roles });
  }

  /** Throws `AuthRefusal` 404. */
  role(name: string): V2Role {
    if (name === ROOT) return unlimitedRole(ROOT);
    const stored = this.#read(`${ROLES}/${bytesOf(name)}`);
    if (stored === undefined) throw refusal(404, `Role ${name} does not exist.`);
    return JSON.parse(stored) as V2Role;
  }

  /** Whether a password is the user's. Rejects with `EtcdError` tooManyRequests. */
  async hasPassword(user: V2User, password: string): Promise<boolean> {
    return await this.#options.passwords.isSame(password, Buffer.from(user.password));
  }

  /** Rejects with `AuthRefusal`, `V2Error` or `EtcdError`, as all changes do. */
  async createUser(user: V2User): Promise<V2User> {
    const { user: name, password } = user;
    if (password === '') throw refusal(400, `Cannot create user ${name} with an empty password`);
    const made = withRootRole({ ...user, password: await this.#hash(password) });
    await this.#create(`${USERS}/${bytesOf(name)}`, userJson(made), `User ${name} already exists.`);
    this.#options.logger.info('created a user', { 'user-name': name });
    return made;
  }

  async updateUser({ user: name, password, grant, revoke }: UserChange): Promise<V2User> {
    await this.#catchUp();
    const before = this.user(name);
    const changed = {
      user: name,
      password: password === '' ? before.password : await this.#hash(password),
      roles: changedRoles(before, grant, revoke),
    };
    if (userJson(changed) === userJson(before)) {
      throw refusal(400, 'User not updated. Use grant/revoke/password to update the user.');
    }
    await this.#put(`${USERS}/${bytesOf(name)}`, userJson(changed), true);
    this.#options.logger.info('updated a user', { 'user-name': name });
    return changed;
  }

  /** Makes a user, or changes one that is there. */
  async createOrUpdateUser(
    user: V2User,
  ): Promise<{ readonly user: V2User; readonly isCreated: boolean }> {
    await this.#catchUp();
    const isKnown = this.#read(`${USERS}/${bytesOf(user.user)}`) !== undefined;
    if (!isKnown) return { user: await this.createUser(user), isCreated: true };
    const change = { user: user.user, password: user.password, grant: [], revoke: [] };
    return { user: await this.updateUser(change), isCreated: false };
  }

  async deleteUser(name: string): Promise<void> {
    if (this.isEnabled && name === ROOT) {
      throw refusal(403, 'Cannot delete root user while auth is enabled.');
    }
    await this.#delete(`${USERS}/${bytesOf(name)}`, `User ${name} does not exist`);
    this.#options.logger.info('deleted a user', { 'user-name': name });
  }

  async createRole(role: V2Role): Promise<void> {
    refuseRootRole(role.role);
    const { role: name } = role;
    await this.#create(
      `${ROLES}/${bytesOf(name)}`,
      JSON.stringify(role),
      `Role ${name} already exists.`,
    );
    this.#options.logger.info('created a new role', { 'role-name': name });
  }

  async updateRole(
    name: string,
    grant: KeyPatterns | undefined,
    revoke: KeyPatterns | undefined,
  ): Promise<V2Role> {
    refuseRootRole(name);
    await this.#catchUp();
    const before = this.role(name);
    const changed = changedRole(before, grant, revoke);
    if (JSON.stringify(changed) === JSON.stringify(before)) {
      throw refusal(400, 'Role not updated. Use grant/revoke to update the role.');
    }
    await this.#put(`${ROLES}/${bytesOf(name)}`, JSON.stringify(changed), true);
    this.#options.logger.info('updated a new role', { 'role-name': name });
    return changed;
  }

  async deleteRole(name: string): Promise<void> {
    refuseRootRole(name);
    await this.#delete(`${ROLES}/${bytesOf(name)}`, `Role ${name} doesn't exist.`);
    this.#options.logger.info('deleted a role', { 'role-name': name });
  }

  async enable(): Promise<void> {
    if (this.isEnabled) throw refusal(409, 'already enabled');
    await this.#catchUp();
    if (this.#read(`${USERS}/${ROOT}`) === undefined) {
      throw refusal(409, 'No root user available, please create one');
    }
    if (this.#read(`${ROLES}/${GUEST}`) === undefined) {
      await this.createRole(unlimitedRole(GUEST));
    }
    await this.#put(AUTH_ENABLED, 'true', true);
    this.#options.logger.info('enabled auth of the v2 API');
  }

  async disable(): Promise<void> {
    if (!this.isEnabled) throw refusal(409, 'already disabled');
    await this.#put(AUTH_ENABLED, 'false', true);
    this.#options.logger.info('disabled auth of the v2 API');
  }

  get #view(): StoreView {
    return new StoreView(this.#options.storage.store);
  }

  /** What is decided by what is stored sees all that was acknowledged. */
  #catchUp(): Promise<void> {
    return new Promise((run, fail) => this.#options.loop.linearizableRead({ run, fail }));
  }

  #names(directory: string): string[] {
    return [...this.#view.children(directory)].map(({ path }) => textOf(nameOf(path))).sort();
  }

  #read(path: string): string | undefined {
    const view = this.#view;
    return view.node(path)?.isDir === false ? textOf(view.valueOf(path)) : undefined;
  }

  async #hash(password: string): Promise<string> {
    return Buffer.from(await this.#options.passwords.hash(password), 'base64').toString();
  }

  async #create(path: string, value: string, conflict: string): Promise<void> {
    try {
      await this.#put(path, value, false);
    } catch (error) {
      if (error instanceof V2Error && error.code === 105) throw refusal(409, conflict);
      throw error;
    }
  }

  async #put(path: string, value: string, prevExist: boolean): Promise<void> {
    await this.#makeDirectories();
    await this.#propose(v2Request('PUT', { path, value: bytesOf(value), prevExist }));
  }

  async #delete(path: string, missing: string): Promise<void> {
    await this.#makeDirectories();
    try {
      await this.#propose(v2Request('DELETE', { path, prevExist: true }));
    } catch (error) {
      if (error instanceof V2Error && error.code === 100) throw refusal(404, missing);
      throw error;
    }
  }

  async #makeDirectories(): Promise<void> {
    if (this.#isReady) return;
    const directories = [ADMIN_ROOT, USERS, ROLES].map((path) => ({ path, isDir: true }));
    for (const node of [...directories, { path: AUTH_ENABLED, value: 'false' }]) {
      try {
        await this.#propose(v2Request('PUT', { ...node, prevExist: false }));
      } catch (error) {
        if (!(error instanceof V2Error) || error.code !== 105) throw error;
      }
    }
    this.#isReady = true;
  }

  async #propose(request: ReturnType<typeof v2Request>): Promise<void> {
    const result = await this.#options.proposer.propose(request, undefined);
    if (result.kind === 'v2' && result.outcome instanceof V2Error) throw result.outcome;
  }
}

function refuseRootRole(name: string): void {
  if (name === ROOT) throw refusal(403, `Cannot modify role ${name}: is root role.`);
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function textOf(byteText: string): string {
  return Buffer.from(byteText, 'latin1').toString();
}

/** Shown as etcd shows it. */
export function roleJson({ role, permissions: { kv } }: V2Role): string {
  const list = (patterns: readonly string[] | null) =>
    patterns === null ? 'null' : `[${patterns.map(goJsonText).join(',')}]`;
  const patterns = `{"read":${list(kv.read)},"write":${list(kv.write)}}`;
  return `{"role":${goJsonText(role)},"permissions":{"kv":${patterns}}}`;
}
