import { create } from '@bufbuild/protobuf';
import { EtcdError, type Permission, Permission_Type, PermissionSchema } from '@kvorum/api';
import { type AuthStore, ROOT } from '../auth/auth-store.ts';
import { isFromKey } from '../auth/key-ranges.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { AuthRequest } from '../codec/auth-requests.ts';
import type { Logger } from '../logging/logger.ts';
import type { MembershipRows } from '../membership/cluster.ts';
import { changeOf } from './auth-log.ts';

/** What a request about users and roles gave, by the names that fields of the responses have. */
export interface AuthAnswer {
  readonly users?: string[];
  readonly roles?: string[];
  readonly perm?: Permission[];
  readonly enabled?: boolean;
  readonly authRevision?: bigint;
}

export interface AuthResult {
  readonly kind: 'auth';
  readonly answer: AuthAnswer;
  /** The auth revision behind the request, and the index of its entry. */
  readonly authRevision: number;
  readonly index: number;
}

type Rows = Pick<MembershipRows, 'putMeta' | 'deleteMeta'>;

/** Carries out a request that the caller may make; `index` is that of its entry. Throws `EtcdError`. */
export class AuthApplier {
  readonly #store: AuthStore;
  readonly #tokens: Tokens;
  readonly #logger: Logger;

  constructor(store: AuthStore, tokens: Tokens, logger: Logger) {
    this.#store = store;
    this.#tokens = tokens;
    this.#logger = logger;
  }

  apply(rows: Rows, request: AuthRequest, index: number): AuthResult {
    const answer = this.#run(rows, request, index) ?? {};
    const change = changeOf(request);
    if (change !== undefined) this.#logger.info(change.message, change.fields);
    return { kind: 'auth', answer, authRevision: this.#store.revision, index };
  }

  #run(rows: Rows, request: AuthRequest, index: number): AuthAnswer | undefined {
    const store = this.#store;
    switch (request.kind) {
      case 'authEnable':
        store.enable(rows);
        return undefined;
      case 'authDisable':
        store.disable(rows);
        this.#tokens.forgetAll();
        return undefined;
      case 'authStatus':
        return { enabled: store.isEnabled, authRevision: BigInt(store.revision) };
      case 'authenticate':
        this.#authenticate(request.message.name, request.message.simpleToken, index);
        return undefined;
      case 'authUserGet':
        return { roles: [...mustFind(store.user(request.message.name), 'userNotFound').roles] };
      case 'authUserList':
        return { users: store.userNames() };
      case 'authRoleGet':
        return { perm: this.#permissionsOf(request.message.role) };
      case 'authRoleList':
        return { roles: store.roleNames() };
      default:
        this.#change(rows, request);
        return undefined;
    }
  }

  #change(rows: Rows, request: AuthRequest): void {
    const store = this.#store;
    switch (request.kind) {
      case 'authUserAdd': {
        const { name, hashedPassword, options } = request.message;
        store.addUser(rows, name, hashOf(hashedPassword), options?.noPassword === true);
        return;
      }
      case 'authUserDelete':
        store.deleteUser(rows, request.message.name);
        this.#tokens.forget(request.message.name);
        return;
      case 'authUserChangePassword': {
        const { name, hashedPassword } = request.message;
        store.changePassword(rows, name, hashOf(hashedPassword));
        this.#tokens.forget(name);
        return;
      }
      case 'authUserGrantRole':
        store.grantRole(rows, request.message.user, request.message.role);
        return;
      case 'authUserRevokeRole':
        store.revokeRole(rows, request.message.name, request.message.role);
        return;
      case 'authRoleAdd':
        store.addRole(rows, request.message.name);
        return;
      case 'authRoleDelete':
        store.deleteRole(rows, request.message.role);
        return;
      case 'authRoleGrantPermission':
        store.grantPermission(rows, request.message.name, checked(request.message.perm));
        return;
      case 'authRoleRevokePermission':
        store.revokePermission(rows, request.message.role, request.message);
        return;
      default:
    }
  }

  /** The password was compared by the member that asks for the token. */
  #authenticate(name: string, secret: string, index: number): void {
    if (!this.#store.isEnabled) throw new EtcdError('authNotEnabled');
    const user = this.#store.user(name);
    if (user === undefined) throw new EtcdError('authFailed');
    this.#tokens.authenticated(name, secret, index);
  }

  /** The role root allows everything, whatever it was given. */
  #permissionsOf(name: string): Permission[] {
    const role = mustFind(this.#store.role(name), 'roleNotFound');
    if (name !== ROOT) return [...role.keyPermission];
    const rangeEnd = new Uint8Array(1);
    return [create(PermissionSchema, { permType: Permission_Type.READWRITE, rangeEnd })];
  }
}

function mustFind<T>(found: T | undefined, code: 'userNotFound' | 'roleNotFound'): T {
  if (found === undefined) throw new EtcdError(code);
  return found;
}

/** A hash as it travels: bcrypt's text in base64, as in etcd. */
function hashOf(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

/** Throws `EtcdError` permissionNotGiven, or invalidAuthMgmt for a range that can hold no key. */
function checked(permission: Permission | undefined): Permission {
  if (permission === undefined) throw new EtcdError('permissionNotGiven');
  const { key, rangeEnd } = permission;
  const isEmpty = rangeEnd.length > 0 && !isFromKey(rangeEnd) && Buffer.compare(rangeEnd, key) <= 0;
  if (key.length === 0 || isEmpty) throw new EtcdError('invalidAuthMgmt');
  return permission;
}
