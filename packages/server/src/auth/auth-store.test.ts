import { create, toBinary } from '@bufbuild/protobuf';
import {
  type EtcdError,
  Permission_Type,
  PermissionSchema,
  RoleSchema,
  UserSchema,
} from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { AuthStore } from './auth-store.ts';
import { MemoryRows } from './testing/memory-rows.ts';

const hash = Buffer.from('$2a$10$of-some-password');

function permission(key: string, rangeEnd = '', permType: Permission_Type = Permission_Type.READ) {
  const given = { key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd), permType };
  return create(PermissionSchema, given);
}

/** A store with the user and the role root, and a user alice with the role reader. */
function founded() {
  const rows = new MemoryRows();
  const store = new AuthStore();
  store.addUser(rows, 'root', hash, false);
  store.addRole(rows, 'root');
  store.grantRole(rows, 'root', 'root');
  store.addRole(rows, 'reader');
  store.addUser(rows, 'alice', hash, false);
  store.grantRole(rows, 'alice', 'reader');
  return { rows, store };
}

function encoded(store: AuthStore) {
  const [user, role] = [store.user('root'), store.role('reader')];
  if (user === undefined || role === undefined) throw new Error('the store has both');
  return [toBinary(UserSchema, user), toBinary(RoleSchema, role)];
}

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    return (error as EtcdError).code;
  }
  return 'done';
}

describe('users and roles', () => {
  it('begin at auth revision 1, which every change raises by one', () => {
    const { rows, store } = founded();
    expect(new AuthStore().revision).toBe(1);
    expect(store.revision).toBe(7);
    const before = store.revision;
    store.grantRole(rows, 'alice', 'reader');
    store.enable(rows);
    store.enable(rows);
    expect(store.revision).toBe(before);
    store.disable(rows);
    store.disable(rows);
    expect(store.revision).toBe(before + 1);
  });

  it('are read back from their rows', () => {
    const { rows, store } = founded();
    store.grantPermission(rows, 'reader', permission('a', 'b'));
    store.enable(rows);
    store.deleteUser(rows, 'alice');
    const other = new AuthStore();
    other.load(rows.list);
    expect(other.isEnabled).toBe(true);
    expect(other.revision).toBe(store.revision);
    expect(other.userNames()).toEqual(['root']);
    expect(encoded(other)).toEqual(encoded(store));
    other.load(() => []);
    expect([other.isEnabled, other.revision, other.userNames()]).toEqual([false, 1, []]);
  });

  it.each<[string, (store: AuthStore, rows: MemoryRows) => void, string]>([
    ['a user without a name', (s, r) => s.addUser(r, '', hash, false), 'userEmpty'],
    ['a user that is there', (s, r) => s.addUser(r, 'alice', hash, false), 'userAlreadyExist'],
    ['the end of no user', (s, r) => s.deleteUser(r, 'bob'), 'userNotFound'],
    ['a password of no user', (s, r) => s.changePassword(r, 'bob', hash), 'userNotFound'],
    ['a role for no user', (s, r) => s.grantRole(r, 'bob', 'reader'), 'userNotFound'],
    ['no role for a user', (s, r) => s.grantRole(r, 'alice', 'writer'), 'roleNotFound'],
    ['a role the user has not', (s, r) => s.revokeRole(r, 'alice', 'root'), 'roleNotGranted'],
    ['a role without a name', (s, r) => s.addRole(r, ''), 'roleEmpty'],
    ['a role that is there', (s, r) => s.addRole(r, 'reader'), 'roleAlreadyExist'],
    ['the end of no role', (s, r) => s.deleteRole(r, 'writer'), 'roleNotFound'],
    ['keys for no role', (s, r) => s.grantPermission(r, 'w', permission('a')), 'roleNotFound'],
    ['keys that were not given', (s, r) => s.revokePermission(r, 'reader', permission('a')), 'permissionNotGranted'], // biome-ignore format: one case, one line
  ])('refuse %s, and change nothing', (_what, change, code) => {
    const { rows, store } = founded();
    const before = rows.list('');
    expect(codeOf(() => change(store, rows))).toBe(code);
    expect(rows.list('')).toEqual(before);
  });

  it('need the user and the role root to be enforced', () => {
    const rows = new MemoryRows();
    const store = new AuthStore();
    expect(codeOf(() => store.enable(rows))).toBe('rootUserNotExist');
    store.addUser(rows, 'root', hash, false);
    expect(codeOf(() => store.enable(rows))).toBe('rootRoleNotExist');
    store.grantRole(rows, 'root', 'root');
    expect(codeOf(() => store.enable(rows))).toBe('done');
  });

  it('keep root while they are enforced, and only then', () => {
    const { rows, store } = founded();
    store.enable(rows);
    expect(codeOf(() => store.deleteUser(rows, 'root'))).toBe('invalidAuthMgmt');
    expect(codeOf(() => store.deleteRole(rows, 'root'))).toBe('invalidAuthMgmt');
    expect(codeOf(() => store.revokeRole(rows, 'root', 'root'))).toBe('invalidAuthMgmt');
    store.disable(rows);
    expect(codeOf(() => store.deleteUser(rows, 'root'))).toBe('done');
  });

  it('forget a role at all users that had it', () => {
    const { rows, store } = founded();
    store.deleteRole(rows, 'reader');
    expect(store.user('alice')?.roles).toEqual([]);
    const other = new AuthStore();
    other.load(rows.list);
    expect(other.user('alice')?.roles).toEqual([]);
  });

  it('keep permissions in the order of their keys, one for a range', () => {
    const { rows, store } = founded();
    for (const key of ['m', 'z', 'a']) store.grantPermission(rows, 'reader', permission(key));
    store.grantPermission(rows, 'reader', permission('m', '', Permission_Type.READWRITE));
    store.grantPermission(rows, 'reader', permission('m', 'n'));
    const kept = store.role('reader')?.keyPermission.map(({ key, rangeEnd, permType }) => {
      return [Buffer.from(key).toString(), Buffer.from(rangeEnd).toString(), permType];
    });
    expect(kept).toEqual([
      ['a', '', Permission_Type.READ],
      ['m', '', Permission_Type.READWRITE],
      ['m', 'n', Permission_Type.READ],
      ['z', '', Permission_Type.READ],
    ]);
  });

  it('give no password to a user that was made without one', () => {
    const { rows, store } = founded();
    store.addUser(rows, 'proxy', new Uint8Array(0), true);
    store.changePassword(rows, 'proxy', hash);
    expect(store.user('proxy')?.password).toHaveLength(0);
  });

  it('list names by their bytes', () => {
    const { rows, store } = founded();
    for (const name of ['😀', '\uffee', 'Z']) store.addUser(rows, name, hash, false);
    expect(store.userNames()).toEqual(['Z', 'alice', 'root', '\uffee', '😀']);
  });
});
