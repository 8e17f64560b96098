import type { Buffer } from 'node:buffer';
import { Permission_Type as PermissionTypes } from '@kvorum/api';
import type { CallOptions as NativeCallOptions } from '../call-options.ts';
import type { RpcClient } from '../rpc-client.ts';
import type { CallOptions } from './call-options.ts';
import type { Calls } from './calls.ts';
import { toBuffer } from './encoding.ts';
import { Range } from './range.ts';

/** What a role may do with keys. */
export type Permission = 'Read' | 'Write' | 'Readwrite';

/** A permission to grant or to take back, for a range or for one key. */
export type IPermissionRequest =
  | { permission: Permission; range: Range }
  | { permission: Permission; key: Buffer | string };

/** A permission of a role. */
export interface IPermissionResult {
  permission: Permission;
  range: Range;
}

const permissionTypes: Readonly<Record<Permission, PermissionTypes>> = {
  Read: PermissionTypes.READ,
  Write: PermissionTypes.WRITE,
  Readwrite: PermissionTypes.READWRITE,
};

const permissionNames: readonly Permission[] = ['Read', 'Write', 'Readwrite'];

type AuthCall<T> = (auth: RpcClient['auth'], options: NativeCallOptions) => Promise<T>;

/** One call of the service for users and roles. */
export function authCall<T>(
  calls: Calls,
  method: string,
  options: CallOptions | undefined,
  make: AuthCall<T>,
): Promise<T> {
  const context = { service: 'Auth', method, isStream: false };
  return calls.call(context, options, (native) => make(calls.native.rpc.auth, native));
}

function rangeOf(request: IPermissionRequest): Range {
  return 'key' in request ? new Range(toBuffer(request.key)) : request.range;
}

/** A role, which users have and which has permissions. Keys are whole ones. */
export class Role {
  readonly name: string;
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls, name: string) {
    this.#calls = calls;
    this.name = name;
  }

  /** Makes it. Rejects with `EtcdRoleExistsError`. */
  async create(options?: CallOptions): Promise<this> {
    return this.#do('roleAdd', options, (auth, native) =>
      auth.roleAdd({ name: this.name }, native),
    );
  }

  /** Rejects with `EtcdRoleNotFoundError`. */
  async delete(options?: CallOptions): Promise<this> {
    return this.#do('roleDelete', options, (auth, native) =>
      auth.roleDelete({ role: this.name }, native),
    );
  }

  /** Takes permissions back. */
  async revoke(
    req: IPermissionRequest | IPermissionRequest[],
    options?: CallOptions,
  ): Promise<this> {
    for (const one of Array.isArray(req) ? req : [req]) {
      const { start: key, end: rangeEnd } = rangeOf(one);
      await this.#do('roleRevokePermission', options, (auth, native) =>
        auth.roleRevokePermission({ role: this.name, key, rangeEnd }, native),
      );
    }
    return this;
  }

  /** Gives permissions. */
  async grant(
    req: IPermissionRequest | IPermissionRequest[],
    options?: CallOptions,
  ): Promise<this> {
    for (const one of Array.isArray(req) ? req : [req]) {
      const { start: key, end: rangeEnd } = rangeOf(one);
      const perm = { permType: permissionTypes[one.permission], key, rangeEnd };
      await this.#do('roleGrantPermission', options, (auth, native) =>
        auth.roleGrantPermission({ name: this.name, perm }, native),
      );
    }
    return this;
  }

  /** What it may do. Rejects with `EtcdRoleNotFoundError`. */
  async permissions(options?: CallOptions): Promise<IPermissionResult[]> {
    const { perm } = await authCall(this.#calls, 'roleGet', options, (auth, native) =>
      auth.roleGet({ role: this.name }, native),
    );
    return perm.map(({ permType, key, rangeEnd }) => ({
      permission: permissionNames[permType] ?? 'Read',
      range: new Range(toBuffer(key), toBuffer(rangeEnd)),
    }));
  }

  /** Gives it to a user. */
  async addUser(user: string | User, options?: CallOptions): Promise<this> {
    return this.#do('userGrantRole', options, (auth, native) =>
      auth.userGrantRole({ user: nameOf(user), role: this.name }, native),
    );
  }

  /** Takes it from a user. */
  async removeUser(user: string | User, options?: CallOptions): Promise<this> {
    return this.#do('userRevokeRole', options, (auth, native) =>
      auth.userRevokeRole({ name: nameOf(user), role: this.name }, native),
    );
  }

  async #do<T>(method: string, options: CallOptions | undefined, make: AuthCall<T>): Promise<this> {
    await authCall(this.#calls, method, options, make);
    return this;
  }
}

/** A user, who has roles. */
export class User {
  readonly name: string;
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls, name: string) {
    this.#calls = calls;
    this.name = name;
  }

  /** Makes the user. Rejects with `EtcdUserExistsError`. */
  async create(password: string, options?: CallOptions): Promise<this> {
    return this.#do('userAdd', options, (auth, native) =>
      auth.userAdd({ name: this.name, password }, native),
    );
  }

  /** Changes the password. */
  async setPassword(password: string, options?: CallOptions): Promise<this> {
    return this.#do('userChangePassword', options, (auth, native) =>
      auth.userChangePassword({ name: this.name, password }, native),
    );
  }

  /** Rejects with `EtcdUserNotFoundError`. */
  async delete(options?: CallOptions): Promise<this> {
    return this.#do('userDelete', options, (auth, native) =>
      auth.userDelete({ name: this.name }, native),
    );
  }

  /** The user's roles. */
  async roles(options?: CallOptions): Promise<Role[]> {
    const { roles } = await authCall(this.#calls, 'userGet', options, (auth, native) =>
      auth.userGet({ name: this.name }, native),
    );
    return roles.map((role) => new Role(this.#calls, role));
  }

  /** Gives the user a role. */
  async addRole(role: string | Role, options?: CallOptions): Promise<this> {
    return this.#do('userGrantRole', options, (auth, native) =>
      auth.userGrantRole({ user: this.name, role: nameOf(role) }, native),
    );
  }

  /** Takes a role from the user. */
  async removeRole(role: string | Role, options?: CallOptions): Promise<this> {
    return this.#do('userRevokeRole', options, (auth, native) =>
      auth.userRevokeRole({ name: this.name, role: nameOf(role) }, native),
    );
  }

  async #do<T>(method: string, options: CallOptions | undefined, make: AuthCall<T>): Promise<this> {
    await authCall(this.#calls, method, options, make);
    return this;
  }
}

function nameOf(one: string | { readonly name: string }): string {
  return typeof one === 'string' ? one : one.name;
}
