import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  EtcdError,
  type Permission,
  PermissionSchema,
  type Role,
  RoleSchema,
  type User,
  UserSchema,
} from '@kvorum/api';
import type { MembershipRows } from '../membership/cluster.ts';
import {
  AUTH_BUCKETS,
  AUTH_ENABLED_ROW,
  AUTH_REVISION_ROW,
  authBucketPrefix,
  authRowName,
} from '../snapshot/auth-rows.ts';

type Rows = Pick<MembershipRows, 'putMeta' | 'deleteMeta'>;

/** The user and the role that may do everything; without them authentication can't be enabled. */
export const ROOT = 'root';

/** Of a store that nobody has changed yet, as in etcd. */
const FIRST_REVISION = 1;

/**
 * Users, roles, and whether callers are asked who they are, as the log has decided it so far. Changed by applied
 * entries alone; its rows are written in the batch of the entry that changed them, in the form of etcd's buckets.
 */
export class AuthStore {
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  #isEnabled = false;
  #revision = FIRST_REVISION;

  /** Callers are asked who they are. */
  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** Raised by every change of users, roles and permissions; 1 at first. */
  get revision(): number {
    return this.#revision;
  }

  /** Replaces everything by what the rows say. */
  load(listMeta: (prefix: string) => Iterable<[string, Uint8Array]>): void {
    this.#users.clear();
    this.#roles.clear();
    this.#isEnabled = false;
    this.#revision = FIRST_REVISION;
    for (const bucket of AUTH_BUCKETS) {
      for (const [name, row] of listMeta(authBucketPrefix(bucket))) {
        if (bucket === 'authUsers') {
          const user = fromBinary(UserSchema, row);
          this.#users.set(textOf(user.name), user);
        } else if (bucket === 'authRoles') {
          const role = fromBinary(RoleSchema, row);
          this.#roles.set(textOf(role.name), role);
        } else if (name === AUTH_ENABLED_ROW) this.#isEnabled = row[0] === 1;
        else if (name === AUTH_REVISION_ROW) this.#revision = uint64Of(row);
      }
    }
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  role(name: string): Role | undefined {
    return this.#roles.get(name);
  }

  /** Names, in the order of their bytes. */
  userNames(): string[] {
    return sortedTexts(this.#users.keys());
  }

  /** Names, in the order of their bytes. */
  roleNames(): string[] {
    return sortedTexts(this.#roles.keys());
  }

  /** Throws `EtcdError` rootUserNotExist or rootRoleNotExist. The auth revision stays. */
  enable(rows: Rows): void {
    if (this.#isEnabled) return;
    const root = this.#users.get(ROOT);
    if (root === undefined) throw new EtcdError('rootUserNotExist');
    if (!root.roles.includes(ROOT)) throw new EtcdError('rootRoleNotExist');
    this.#setEnabled(rows, true);
    this.#putRevision(rows, this.#revision);
  }

  disable(rows: Rows): void {
    if (!this.#isEnabled) return;
    this.#setEnabled(rows, false);
    this.#advance(rows);
  }

  /**
   * Adds a user without roles. `hash` is a bcrypt hash, empty for a user without a password. Throws `EtcdError`
   * userEmpty or userAlreadyExist.
   */
  addUser(rows: Rows, name: string, hash: Uint8Array, noPassword: boolean): void {
    if (name === '') throw new EtcdError('userEmpty');
    if (this.#users.has(name)) throw new EtcdError('userAlreadyExist');
    const options = { noPassword };
    this.#putUser(rows, create(UserSchema, { name: bytesOf(name), password: hash, options }));
    this.#advance(rows);
  }

  /** Throws `EtcdError` invalidAuthMgmt or userNotFound. */
  deleteUser(rows: Rows, name: string): void {
    if (this.#isEnabled && name === ROOT) throw new EtcdError('invalidAuthMgmt');
    this.#mustFindUser(name);
    this.#users.delete(name);
    rows.deleteMeta(authRowName('authUsers', bytesOf(name)));
    this.#advance(rows);
  }

  /** Throws `EtcdError` userNotFound. A user without a password keeps being one. */
  changePassword(rows: Rows, name: string, hash: Uint8Array): void {
    const user = this.#mustFindUser(name);
    const password = user.options?.noPassword === true ? new Uint8Array(0) : hash;
    this.#putUser(rows, { ...user, password });
    this.#advance(rows);
  }

  /** Granting what the user has already changes nothing. Throws `EtcdError` userNotFound or roleNotFound. */
  grantRole(rows: Rows, name: string, role: string): void {
    const user = this.#mustFindUser(name);
    if (role !== ROOT) this.#mustFindRole(role);
    if (user.roles.includes(role)) return;
    this.#putUser(rows, { ...user, roles: sortedTexts([...user.roles, role]) });
    this.#advance(rows);
  }

  /** Throws `EtcdError` invalidAuthMgmt, userNotFound or roleNotGranted. */
  revokeRole(rows: Rows, name: string, role: string): void {
    if (this.#isEnabled && name === ROOT && role === ROOT) throw new EtcdError('invalidAuthMgmt');
    const user = this.#mustFindUser(name);
    if (!user.roles.includes(role)) throw new EtcdError('roleNotGranted');
    this.#putUser(rows, { ...user, roles: user.roles.filter((other) => other !== role) });
    this.#advance(rows);
  }

  /** Throws `EtcdError` roleEmpty or roleAlreadyExist. */
  addRole(rows: Rows, name: string): void {
    if (name === '') throw new EtcdError('roleEmpty');
    if (this.#roles.has(name)) throw new EtcdError('roleAlreadyExist');
    this.#putRole(rows, create(RoleSchema, { name: bytesOf(name) }));
    this.#advance(rows);
  }

  /** Takes it from all users, too. Throws `EtcdError` invalidAuthMgmt or roleNotFound. */
  deleteRole(rows: Rows, name: string): void {
    if (this.#isEnabled && name === ROOT) throw new EtcdError('invalidAuthMgmt');
    this.#mustFindRole(name);
    this.#roles.delete(name);
    rows.deleteMeta(authRowName('authRoles', bytesOf(name)));
    for (const user of this.#users.values()) {
      if (!user.roles.includes(name)) continue;
      this.#putUser(rows, { ...user, roles: user.roles.filter((other) => other !== name) });
    }
    this.#advance(rows);
  }

  /** A permission for the same range is replaced. Throws `EtcdError` roleNotFound. */
  grantPermission(rows: Rows, name: string, permission: Permission): void {
    const role = this.#mustFindRole(name);
    const { permType, key, rangeEnd } = permission;
    const others = role.keyPermission.filter((other) => !isSameRange(other, permission));
    const added = create(PermissionSchema, { permType, key: copy(key), rangeEnd: copy(rangeEnd) });
    const keyPermission = [...others, added].sort((one, other) =>
      Buffer.compare(one.key, other.key),
    );
    this.#putRole(rows, { ...role, keyPermission });
    this.#advance(rows);
  }

  /** Throws `EtcdError` roleNotFound or permissionNotGranted. */
  revokePermission(rows: Rows, name: string, range: Pick<Permission, 'key' | 'rangeEnd'>): void {
    const role = this.#mustFindRole(name);
    const keyPermission = role.keyPermission.filter((other) => !isSameRange(other, range));
    if (keyPermission.length === role.keyPermission.length) {
      throw new EtcdError('permissionNotGranted');
    }
    this.#putRole(rows, { ...role, keyPermission });
    this.#advance(rows);
  }

  #mustFindUser(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw new EtcdError('userNotFound');
    return user;
  }

  #mustFindRole(name: string): Role {
    const role = this.#roles.get(name);
    if (role === undefined) throw new EtcdError('roleNotFound');
    return role;
  }

  #putUser(rows: Rows, user: User): void {
    this.#users.set(textOf(user.name), user);
    rows.putMeta(authRowName('authUsers', user.name), toBinary(UserSchema, user));
  }

  #putRole(rows: Rows, role: Role): void {
    this.#roles.set(textOf(role.name), role);
    rows.putMeta(authRowName('authRoles', role.name), toBinary(RoleSchema, role));
  }

  #setEnabled(rows: Rows, isEnabled: boolean): void {
    this.#isEnabled = isEnabled;
    rows.putMeta(AUTH_ENABLED_ROW, Uint8Array.of(isEnabled ? 1 : 0));
  }

  #advance(rows: Rows): void {
    this.#putRevision(rows, this.#revision + 1);
  }

  #putRevision(rows: Rows, revision: number): void {
    this.#revision = revision;
    const row = Buffer.alloc(8);
    row.writeBigUInt64BE(BigInt(revision));
    rows.putMeta(AUTH_REVISION_ROW, row);
  }
}

function isSameRange(
  one: Pick<Permission, 'key' | 'rangeEnd'>,
  other: Pick<Permission, 'key' | 'rangeEnd'>,
): boolean {
  return (
    Buffer.compare(one.key, other.key) === 0 && Buffer.compare(one.rangeEnd, other.rangeEnd) === 0
  );
}

function sortedTexts(texts: Iterable<string>): string[] {
  return [...texts].sort((one, other) => Buffer.compare(bytesOf(one), bytesOf(other)));
}

/** The bytes may be a view of all that came with them. */
function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

function uint64Of(row: Uint8Array): number {
  return Number(Buffer.from(row.buffer, row.byteOffset, row.length).readBigUInt64BE(0));
}
