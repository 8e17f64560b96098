import {
  type Permission as PermissionMessage,
  Permission_Type as PermissionType,
} from '@kvorum/api';
import type { CallOptions } from '../call-options.ts';
import { plainBytes } from '../encoding.ts';
import type { Keys, Keyspace } from '../keyspace.ts';
import type { RpcClient } from '../rpc-client.ts';

/** What a role may do with keys. */
export type Access = 'read' | 'write' | 'readwrite';

/** Keys that a role may use, as the server has them: one, or [key, rangeEnd). */
export interface Permission {
  readonly access: Access;
  readonly key: Uint8Array;
  /** Empty: one key; a single zero byte: all keys from `key` on. */
  readonly rangeEnd: Uint8Array;
}

const accessTypes: Readonly<Record<Access, PermissionType>> = {
  read: PermissionType.READ,
  write: PermissionType.WRITE,
  readwrite: PermissionType.READWRITE,
};

/** Whether users have to say who they are, who they are, and what they may do. All methods reject with `ClientError`. */
export class Auth {
  /** Users: they have roles. */
  readonly users: Users;
  /** Roles: they have permissions. */
  readonly roles: Roles;
  readonly #rpc: RpcClient;

  /** For `Client.auth`. Keys of permissions are those of the keyspace. */
  constructor(rpc: RpcClient, keyspace: Keyspace) {
    this.#rpc = rpc;
    this.users = new Users(rpc);
    this.roles = new Roles(rpc, keyspace);
  }

  /** Whether calls need a user. */
  async isEnabled(options: CallOptions = {}): Promise<boolean> {
    return (await this.#rpc.auth.authStatus({}, options)).enabled;
  }

  /** Rejects with "rootUserNotExist" or "rootRoleNotExist" until there is a user root with the role root. */
  async enable(options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.authEnable({}, options);
  }

  /** Calls need no user any more. */
  async disable(options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.authDisable({}, options);
  }
}

/** The users that the cluster knows. All methods reject with `ClientError`. */
export class Users {
  readonly #rpc: RpcClient;

  /** For `Auth`. */
  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  /** Without a password a user is known by its certificate alone. Rejects with "userAlreadyExist", "userEmpty". */
  async add(name: string, password?: string, options: CallOptions = {}): Promise<void> {
    const noPassword = password === undefined;
    const request = { name, password: password ?? '', options: { noPassword } };
    await this.#rpc.auth.userAdd(request, options);
  }

  /** Rejects with "userNotFound". */
  async delete(name: string, options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.userDelete({ name }, options);
  }

  /** Rejects with "userNotFound". */
  async changePassword(name: string, password: string, options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.userChangePassword({ name, password }, options);
  }

  /** The roles of a user. Rejects with "userNotFound". */
  async roles(name: string, options: CallOptions = {}): Promise<readonly string[]> {
    return (await this.#rpc.auth.userGet({ name }, options)).roles;
  }

  /** The names of all users. */
  async list(options: CallOptions = {}): Promise<readonly string[]> {
    return (await this.#rpc.auth.userList({}, options)).users;
  }

  /** Rejects with "userNotFound", "roleNotFound". */
  async grantRole(user: string, role: string, options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.userGrantRole({ user, role }, options);
  }

  /** Rejects with "userNotFound", "roleNotGranted". */
  async revokeRole(name: string, role: string, options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.userRevokeRole({ name, role }, options);
  }
}

/** The roles that the cluster knows. All methods reject with `ClientError`. */
export class Roles {
  readonly #rpc: RpcClient;
  readonly #keyspace: Keyspace;

  /** For `Auth`. */
  constructor(rpc: RpcClient, keyspace: Keyspace) {
    this.#rpc = rpc;
    this.#keyspace = keyspace;
  }

  /** Rejects with "roleAlreadyExist", "roleEmpty". */
  async add(name: string, options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.roleAdd({ name }, options);
  }

  /** Rejects with "roleNotFound". */
  async delete(role: string, options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.roleDelete({ role }, options);
  }

  /** The names of all roles. */
  async list(options: CallOptions = {}): Promise<readonly string[]> {
    return (await this.#rpc.auth.roleList({}, options)).roles;
  }

  /** What a role may do, by whole keys. Rejects with "roleNotFound". */
  async permissions(role: string, options: CallOptions = {}): Promise<readonly Permission[]> {
    const { perm } = await this.#rpc.auth.roleGet({ role }, options);
    return perm.map(permissionOf);
  }

  /** Lets a role use one key, or several. Rejects with "roleNotFound". */
  async grant(name: string, access: Access, keys: Keys, options: CallOptions = {}): Promise<void> {
    const perm = { permType: accessTypes[access], ...this.#keyspace.span(keys) };
    await this.#rpc.auth.roleGrantPermission({ name, perm }, options);
  }

  /** Takes back what was granted for the same keys. Rejects with "roleNotFound", "permissionNotGranted". */
  async revoke(role: string, keys: Keys, options: CallOptions = {}): Promise<void> {
    await this.#rpc.auth.roleRevokePermission({ role, ...this.#keyspace.span(keys) }, options);
  }
}

function permissionOf({ permType, key, rangeEnd }: PermissionMessage): Permission {
  const writes = permType === PermissionType.WRITE ? 'write' : 'readwrite';
  const access = permType === PermissionType.READ ? 'read' : writes;
  return { access, key: plainBytes(key), rangeEnd: plainBytes(rangeEnd) };
}
