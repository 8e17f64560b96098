import { parseAnswer } from './parse-answer.ts';
import { RefusedError } from './v2-errors.ts';
import type { V2Http, V2Request } from './v2-http.ts';

/** Patterns of keys that may be read and written; one that ends with `*` means all that begins so. */
export interface V2Permissions {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** etcd's v2 calls about users and roles. They reject with `V2CallError`; a refusal is a `RefusedError`. */
export class AuthApi {
  readonly #http: V2Http;

  constructor(http: V2Http) {
    this.#http = http;
  }

  async enable(signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'PUT', path: '/v2/auth/enable' }, signal);
  }

  async disable(signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'DELETE', path: '/v2/auth/enable' }, signal);
  }

  async users(signal: AbortSignal): Promise<readonly string[]> {
    const { users } = await this.#get('/v2/auth/users', signal);
    return named(users, 'user');
  }

  /** Names of a user's roles. */
  async rolesOf(user: string, signal: AbortSignal): Promise<readonly string[]> {
    const { roles } = await this.#get(userPath(user), signal);
    return named(roles, 'role');
  }

  /** Makes a user, or gives one another password. */
  async putUser(user: string, password: string, signal: AbortSignal): Promise<void> {
    await this.#put(userPath(user), { user, password, roles: null }, signal);
  }

  async grantRole(user: string, role: string, signal: AbortSignal): Promise<void> {
    await this.#put(userPath(user), { user, roles: null, grant: [role] }, signal);
  }

  async revokeRole(user: string, role: string, signal: AbortSignal): Promise<void> {
    await this.#put(userPath(user), { user, roles: null, revoke: [role] }, signal);
  }

  async removeUser(user: string, signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'DELETE', path: userPath(user) }, signal);
  }

  async roles(signal: AbortSignal): Promise<readonly string[]> {
    const { roles } = await this.#get('/v2/auth/roles', signal);
    return named(roles, 'role');
  }

  async permissionsOf(role: string, signal: AbortSignal): Promise<V2Permissions> {
    const { permissions } = await this.#get(rolePath(role), signal);
    const { kv } = (permissions ?? {}) as { readonly kv?: Partial<V2Permissions> };
    return { read: kv?.read ?? [], write: kv?.write ?? [] };
  }

  async addRole(role: string, signal: AbortSignal): Promise<void> {
    await this.#put(rolePath(role), { role, permissions: nothing }, signal);
  }

  async grant(role: string, permissions: V2Permissions, signal: AbortSignal): Promise<void> {
    const grant = { kv: permissions };
    await this.#put(rolePath(role), { role, permissions: nothing, grant }, signal);
  }

  async revoke(role: string, permissions: V2Permissions, signal: AbortSignal): Promise<void> {
    const revoke = { kv: permissions };
    await this.#put(rolePath(role), { role, permissions: nothing, revoke }, signal);
  }

  async removeRole(role: string, signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'DELETE', path: rolePath(role) }, signal);
  }

  async #get(path: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    return parseAnswer(await this.#ask({ method: 'GET', path }, signal));
  }

  async #put(path: string, body: object, signal: AbortSignal): Promise<void> {
    const json = { body: JSON.stringify(body), contentType: 'application/json' };
    await this.#ask({ method: 'PUT', path, ...json }, signal);
  }

  async #ask(request: V2Request, signal: AbortSignal): Promise<string> {
    const { status, body } = await this.#http.ask(request, signal);
    if (status === 200 || status === 201) return body;
    const { message } = parseAnswer(body);
    throw new RefusedError(typeof message === 'string' ? message : `HTTP status ${status}`);
  }
}

const nothing = { kv: { read: null, write: null } };

function userPath(user: string): string {
  return `/v2/auth/users/${encodeURIComponent(user)}`;
}

function rolePath(role: string): string {
  return `/v2/auth/roles/${encodeURIComponent(role)}`;
}

/** Objects with a name each, or the names themselves. */
function named(list: unknown, field: string): readonly string[] {
  if (!Array.isArray(list)) return [];
  return list.map((one: unknown) => {
    return typeof one === 'object' && one !== null
      ? String((one as Record<string, unknown>)[field] ?? '')
      : String(one);
  });
}
