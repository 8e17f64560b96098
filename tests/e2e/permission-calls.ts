import { type CallOptions, type Client, createClient } from '@connectrpc/connect';
import {
  AlarmRequest_AlarmAction,
  Auth,
  type Cluster,
  Election,
  type KV,
  type Lease,
  Lock,
  type Maintenance,
  Permission_Type,
  type Watch,
} from '@kvorum/api';
import type { TestClient } from '../framework/client.ts';
import { coordinationCalls } from './coordination-calls.ts';

/** Everything that a member serves to clients. */
export interface Api {
  readonly kv: Client<typeof KV>;
  readonly watch: Client<typeof Watch>;
  readonly lease: Client<typeof Lease>;
  readonly cluster: Client<typeof Cluster>;
  readonly maintenance: Client<typeof Maintenance>;
  readonly auth: Client<typeof Auth>;
  readonly lock: Client<typeof Lock>;
  readonly election: Client<typeof Election>;
}

/** A call that the table makes as each of the callers. */
export interface PermissionCall {
  readonly name: string;
  /** What root prepares before each of them. */
  readonly before?: (api: Api, root: CallOptions) => Promise<unknown>;
  /** Rejects, or resolves with what a response says of a refusal. */
  readonly run: (api: Api, as: CallOptions, caller: string) => Promise<unknown>;
}

export function apiOf(client: TestClient): Api {
  const { kv, watch, lease, cluster, maintenance, transport } = client;
  const auth = createClient(Auth, transport);
  const lock = createClient(Lock, transport);
  const election = createClient(Election, transport);
  return { kv, watch, lease, cluster, maintenance, auth, lock, election };
}

/** Keys below this are those that roles are about. */
const OWN = bytes('a/');
const OWN_END = bytes('a0');
const own = bytes('a/key');
const foreign = bytes('z/key');
const value = bytes('v');
/** Roles below this are not there. */
const NO_ROLE = 'no-such-role';
const NO_USER = 'no-such-user';
const NO_MEMBER = 77n;
/** Leases with a key of each kind, and one without keys. */
const OWN_LEASE = 101n;
const FOREIGN_LEASE = 102n;
const BARE_LEASE = 103n;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Who there is: the role of each is named as the user, and all passwords are. */
export const users = {
  plain: undefined,
  reader: Permission_Type.READ,
  writer: Permission_Type.WRITE,
  editor: Permission_Type.READWRITE,
} as const;

/** Users, roles and leases, with authentication enabled; resolves with how each of them calls. */
export async function enforce(api: Api): Promise<ReadonlyMap<string, CallOptions>> {
  for (const [name, permType] of Object.entries(users)) {
    await api.auth.userAdd({ name, password: name });
    if (permType === undefined) continue;
    await api.auth.roleAdd({ name });
    const perm = { key: OWN, rangeEnd: OWN_END, permType };
    await api.auth.roleGrantPermission({ name, perm });
    await api.auth.userGrantRole({ user: name, role: name });
  }
  for (const name of ['victim', 'root']) await api.auth.userAdd({ name, password: name });
  await api.auth.userGrantRole({ user: 'root', role: 'root' });
  await api.auth.authEnable({});
  const callers = new Map<string, CallOptions>([
    ['nobody', {}],
    ['a stranger', { headers: { token: 'QWertyUiopAsdfgh.9' } }],
  ]);
  for (const name of [...Object.keys(users), 'root']) {
    const { token } = await api.auth.authenticate({ name, password: name });
    callers.set(name, { headers: { token } });
  }
  return callers;
}

/** Leases as they are before each call: with a key that roles are about, with another, and without any. */
async function leases({ kv, lease }: Api, root: CallOptions): Promise<void> {
  for (const ID of [OWN_LEASE, FOREIGN_LEASE, BARE_LEASE]) {
    await lease.leaseRevoke({ ID }, root).catch(() => {});
    await lease.leaseGrant({ ID, TTL: 600n }, root);
  }
  await kv.put({ key: bytes('a/leased'), lease: OWN_LEASE }, root);
  await kv.put({ key: bytes('z/leased'), lease: FOREIGN_LEASE }, root);
}

/** The first message of a stream. */
async function first<T>(stream: AsyncIterable<T>): Promise<T | undefined> {
  for await (const message of stream) return message;
  return undefined;
}

/** Why a watcher was refused, or nothing. */
async function watched(
  api: Api,
  as: CallOptions,
  range: { key: Uint8Array; rangeEnd?: Uint8Array },
): Promise<string> {
  const stop = new AbortController();
  const requests = async function* () {
    yield { requestUnion: { case: 'createRequest' as const, value: range } };
    // A client that ends its half early is not what is tested.
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  };
  const responses = api.watch.watch(requests(), { ...as, signal: stop.signal });
  try {
    const { canceled, cancelReason, watchId } = (await first(responses)) ?? {};
    return canceled === true ? `${watchId}: ${cancelReason}` : '';
  } finally {
    stop.abort();
  }
}

function op<Case extends string, Value>(name: Case, fields: Value) {
  return { request: { case: name, value: fields } };
}

const open = new Uint8Array(1);

const kvCalls: readonly PermissionCall[] = [
  { name: 'Range', run: ({ kv }, as) => kv.range({ key: own }, as) },
  {
    name: 'Range, serializable',
    run: ({ kv }, as) => kv.range({ key: own, serializable: true }, as),
  },
  {
    name: 'Range of all that roles are about',
    run: ({ kv }, as) => kv.range({ key: OWN, rangeEnd: OWN_END }, as),
  },
  {
    name: 'Range of more than that',
    run: ({ kv }, as) => kv.range({ key: OWN, rangeEnd: bytes('a00') }, as),
  },
  { name: 'Range from a key on', run: ({ kv }, as) => kv.range({ key: own, rangeEnd: open }, as) },
  {
    name: 'Range of nothing',
    run: ({ kv }, as) => kv.range({ key: own, rangeEnd: bytes('a/') }, as),
  },
  { name: 'Range elsewhere', run: ({ kv }, as) => kv.range({ key: foreign }, as) },
  { name: 'Range without a key', run: ({ kv }, as) => kv.range({}, as) },
  { name: 'Put', run: ({ kv }, as) => kv.put({ key: own, value }, as) },
  { name: 'Put elsewhere', run: ({ kv }, as) => kv.put({ key: foreign, value }, as) },
  { name: 'Put, prev_kv', run: ({ kv }, as) => kv.put({ key: own, value, prevKv: true }, as) },
  { name: 'Put without a key', run: ({ kv }, as) => kv.put({}, as) },
  ...(
    [
      ['a lease of a key like it', OWN_LEASE],
      ['a lease of a key elsewhere', FOREIGN_LEASE],
      ['a lease without keys', BARE_LEASE],
      ['no such lease', 999n],
    ] as const
  ).map(([what, lease]) => ({
    name: `Put, ${what}`,
    before: leases,
    run: ({ kv }: Api, as: CallOptions) => kv.put({ key: own, value, lease }, as),
  })),
  { name: 'DeleteRange', run: ({ kv }, as) => kv.deleteRange({ key: own }, as) },
  {
    name: 'DeleteRange, prev_kv',
    run: ({ kv }, as) => kv.deleteRange({ key: own, prevKv: true }, as),
  },
  {
    name: 'DeleteRange of more',
    run: ({ kv }, as) => kv.deleteRange({ key: own, rangeEnd: bytes('b') }, as),
  },
  { name: 'Compact', run: ({ kv }, as) => kv.compact({ revision: 1_000_000n }, as) },
];

const txnCalls: readonly PermissionCall[] = [
  { name: 'Txn of nothing', run: ({ kv }, as) => kv.txn({}, as) },
  ...(
    [
      ['own', own],
      ['foreign', foreign],
    ] as const
  ).flatMap(([whose, key]): PermissionCall[] => [
    { name: `Txn, compare ${whose}`, run: ({ kv }, as) => kv.txn({ compare: [{ key }] }, as) },
    {
      name: `Txn, range ${whose} in the branch taken`,
      run: ({ kv }, as) => kv.txn({ success: [op('requestRange', { key })] }, as),
    },
    {
      name: `Txn, range ${whose} in the branch not taken`,
      run: ({ kv }, as) => kv.txn({ failure: [op('requestRange', { key })] }, as),
    },
    {
      name: `Txn, put ${whose} in the branch taken`,
      run: ({ kv }, as) => kv.txn({ success: [op('requestPut', { key })] }, as),
    },
    {
      name: `Txn, put ${whose} in the branch not taken`,
      run: ({ kv }, as) => kv.txn({ failure: [op('requestPut', { key })] }, as),
    },
    {
      name: `Txn, delete ${whose}`,
      run: ({ kv }, as) => kv.txn({ success: [op('requestDeleteRange', { key })] }, as),
    },
    {
      name: `Txn, delete ${whose} with prev_kv`,
      run: ({ kv }, as) =>
        kv.txn({ success: [op('requestDeleteRange', { key, prevKv: true })] }, as),
    },
    {
      name: `Txn, nested put ${whose}`,
      run: ({ kv }, as) => {
        const nested = op('requestTxn', { success: [op('requestPut', { key })] });
        return kv.txn({ success: [nested] }, as);
      },
    },
  ]),
  {
    name: 'Txn, put with prev_kv',
    run: ({ kv }, as) => kv.txn({ success: [op('requestPut', { key: own, prevKv: true })] }, as),
  },
  {
    name: 'Txn, put with a lease of a key elsewhere',
    before: leases,
    run: ({ kv }, as) =>
      kv.txn({ success: [op('requestPut', { key: own, lease: FOREIGN_LEASE })] }, as),
  },
];

const watchCalls: readonly PermissionCall[] = [
  { name: 'Watch', run: (api, as) => watched(api, as, { key: own }) },
  {
    name: 'Watch of all that roles are about',
    run: (api, as) => watched(api, as, { key: OWN, rangeEnd: OWN_END }),
  },
  {
    name: 'Watch from a key on',
    run: (api, as) => watched(api, as, { key: own, rangeEnd: open }),
  },
  { name: 'Watch elsewhere', run: (api, as) => watched(api, as, { key: foreign }) },
  {
    name: 'Watch of an empty range',
    run: (api, as) => watched(api, as, { key: own, rangeEnd: OWN }),
  },
];

const leaseCalls: readonly PermissionCall[] = [
  { name: 'LeaseGrant', run: ({ lease }, as) => lease.leaseGrant({ TTL: 600n }, as) },
  ...(
    [
      ['of a key that roles are about', OWN_LEASE],
      ['of a key elsewhere', FOREIGN_LEASE],
      ['without keys', BARE_LEASE],
    ] as const
  ).flatMap(([which, ID]): PermissionCall[] => [
    {
      name: `LeaseRevoke ${which}`,
      before: leases,
      run: ({ lease }, as) => lease.leaseRevoke({ ID }, as),
    },
    {
      name: `LeaseKeepAlive ${which}`,
      before: leases,
      run: ({ lease }, as) => {
        const requests = async function* () {
          yield { ID };
        };
        return first(lease.leaseKeepAlive(requests(), as));
      },
    },
    {
      name: `LeaseTimeToLive ${which}`,
      before: leases,
      run: ({ lease }, as) => lease.leaseTimeToLive({ ID }, as),
    },
    {
      name: `LeaseTimeToLive ${which}, with the keys`,
      before: leases,
      run: ({ lease }, as) => lease.leaseTimeToLive({ ID, keys: true }, as),
    },
  ]),
  { name: 'LeaseLeases', before: leases, run: ({ lease }, as) => lease.leaseLeases({}, as) },
  {
    name: 'LeaseLeases, all of keys that roles are about',
    before: async (api, root) => {
      await leases(api, root);
      await api.lease.leaseRevoke({ ID: FOREIGN_LEASE }, root);
    },
    run: ({ lease }, as) => lease.leaseLeases({}, as),
  },
];

const clusterCalls: readonly PermissionCall[] = [
  { name: 'MemberList', run: ({ cluster }, as) => cluster.memberList({}, as) },
  {
    name: 'MemberList, linearizable',
    run: ({ cluster }, as) => cluster.memberList({ linearizable: true }, as),
  },
  {
    name: 'MemberAdd',
    run: async ({ cluster }, as) => {
      // A learner that is never started takes no quorum away; and is gone again.
      const peerURLs = ['http://127.0.0.1:9'];
      const { member } = await cluster.memberAdd({ peerURLs, isLearner: true }, as);
      await cluster.memberRemove({ ID: member?.ID ?? 0n }, as);
    },
  },
  { name: 'MemberRemove', run: ({ cluster }, as) => cluster.memberRemove({ ID: NO_MEMBER }, as) },
  {
    name: 'MemberUpdate',
    run: ({ cluster }, as) =>
      cluster.memberUpdate({ ID: NO_MEMBER, peerURLs: ['http://127.0.0.1:9'] }, as),
  },
  { name: 'MemberPromote', run: ({ cluster }, as) => cluster.memberPromote({ ID: NO_MEMBER }, as) },
];

const maintenanceCalls: readonly PermissionCall[] = [
  { name: 'Status', run: ({ maintenance }, as) => maintenance.status({}, as) },
  ...(['GET', 'ACTIVATE', 'DEACTIVATE'] as const).map((action) => ({
    name: `Alarm ${action}`,
    run: ({ maintenance }: Api, as: CallOptions) =>
      maintenance.alarm({ action: AlarmRequest_AlarmAction[action] }, as),
  })),
  { name: 'Defragment', run: ({ maintenance }, as) => maintenance.defragment({}, as) },
  { name: 'Hash', run: ({ maintenance }, as) => maintenance.hash({}, as) },
  { name: 'HashKV', run: ({ maintenance }, as) => maintenance.hashKV({}, as) },
  { name: 'Snapshot', run: ({ maintenance }, as) => first(maintenance.snapshot({}, as)) },
  {
    name: 'MoveLeader',
    run: ({ maintenance }, as) => maintenance.moveLeader({ targetID: NO_MEMBER }, as),
  },
  {
    name: 'Downgrade',
    run: ({ maintenance }, as) => maintenance.downgrade({ version: 'none' }, as),
  },
];

const userCalls: readonly PermissionCall[] = [
  { name: 'AuthEnable', run: ({ auth }, as) => auth.authEnable({}, as) },
  { name: 'AuthStatus', run: ({ auth }, as) => auth.authStatus({}, as) },
  {
    name: 'Authenticate',
    run: ({ auth }, as) => auth.authenticate({ name: 'plain', password: 'plain' }, as),
  },
  {
    name: 'Authenticate with a wrong password',
    run: ({ auth }, as) => auth.authenticate({ name: 'plain', password: 'wrong' }, as),
  },
  {
    name: 'UserAdd',
    run: ({ auth }, as, caller) => auth.userAdd({ name: `by ${caller}`, password: 'x' }, as),
  },
  { name: 'UserAdd without a name', run: ({ auth }, as) => auth.userAdd({ password: 'x' }, as) },
  {
    name: 'UserAdd with a long password',
    run: ({ auth }, as) => auth.userAdd({ name: 'long', password: 'x'.repeat(73) }, as),
  },
  { name: 'UserGet of itself', run: ({ auth }, as, name) => auth.userGet({ name }, as) },
  { name: 'UserGet of another', run: ({ auth }, as) => auth.userGet({ name: 'victim' }, as) },
  { name: 'UserList', run: ({ auth }, as) => auth.userList({}, as) },
  { name: 'UserDelete', run: ({ auth }, as) => auth.userDelete({ name: NO_USER }, as) },
  { name: 'UserDelete of root', run: ({ auth }, as) => auth.userDelete({ name: 'root' }, as) },
  {
    name: 'UserChangePassword',
    run: ({ auth }, as) => auth.userChangePassword({ name: 'victim', password: 'other' }, as),
  },
  {
    name: 'UserGrantRole',
    run: ({ auth }, as) => auth.userGrantRole({ user: 'victim', role: 'reader' }, as),
  },
  {
    name: 'UserRevokeRole',
    run: ({ auth }, as) => auth.userRevokeRole({ name: 'victim', role: 'editor' }, as),
  },
  {
    name: 'UserRevokeRole of root',
    run: ({ auth }, as) => auth.userRevokeRole({ name: 'root', role: 'root' }, as),
  },
];

const roleCalls: readonly PermissionCall[] = [
  { name: 'RoleAdd', run: ({ auth }, as, caller) => auth.roleAdd({ name: `of ${caller}` }, as) },
  { name: 'RoleAdd without a name', run: ({ auth }, as) => auth.roleAdd({}, as) },
  { name: 'RoleGet', run: ({ auth }, as) => auth.roleGet({ role: 'reader' }, as) },
  { name: 'RoleGet of none', run: ({ auth }, as) => auth.roleGet({ role: NO_ROLE }, as) },
  { name: 'RoleList', run: ({ auth }, as) => auth.roleList({}, as) },
  { name: 'RoleDelete', run: ({ auth }, as) => auth.roleDelete({ role: NO_ROLE }, as) },
  { name: 'RoleDelete of root', run: ({ auth }, as) => auth.roleDelete({ role: 'root' }, as) },
  {
    name: 'RoleGrantPermission',
    run: ({ auth }, as, caller) => {
      const perm = { key: bytes('other'), permType: Permission_Type.READ };
      return auth.roleGrantPermission({ name: `of ${caller}`, perm }, as);
    },
  },
  {
    name: 'RoleGrantPermission of an empty range',
    run: ({ auth }, as) => {
      const perm = { key: bytes('b'), rangeEnd: bytes('a'), permType: Permission_Type.READ };
      return auth.roleGrantPermission({ name: 'reader', perm }, as);
    },
  },
  {
    name: 'RoleGrantPermission without one',
    run: ({ auth }, as) => auth.roleGrantPermission({ name: 'reader' }, as),
  },
  {
    name: 'RoleRevokePermission',
    run: ({ auth }, as) =>
      auth.roleRevokePermission({ role: 'reader', key: bytes('a'), rangeEnd: open }, as),
  },
];

/** What root may end comes last: callers before it must still be asked. */
const disableCalls: readonly PermissionCall[] = [
  {
    name: 'AuthDisable',
    run: async ({ auth }, as) => {
      await auth.authDisable({}, as);
      await auth.authEnable({});
    },
  },
];

/** Calls of every method, as often as its outcome depends on what it says. */
export const permissionCalls: readonly PermissionCall[] = [
  ...kvCalls,
  ...txnCalls,
  ...watchCalls,
  ...leaseCalls,
  ...clusterCalls,
  ...maintenanceCalls,
  ...userCalls,
  ...roleCalls,
  ...coordinationCalls,
  ...disableCalls,
];
