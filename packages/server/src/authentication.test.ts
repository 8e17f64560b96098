import {
  AuthEnableRequestSchema,
  AuthEnableResponseSchema,
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
  AuthRoleAddRequestSchema,
  AuthRoleAddResponseSchema,
  AuthRoleGrantPermissionRequestSchema,
  AuthRoleGrantPermissionResponseSchema,
  AuthRoleRevokePermissionRequestSchema,
  AuthRoleRevokePermissionResponseSchema,
  AuthUserAddRequestSchema,
  AuthUserAddResponseSchema,
  AuthUserDeleteRequestSchema,
  AuthUserDeleteResponseSchema,
  AuthUserGrantRoleRequestSchema,
  AuthUserGrantRoleResponseSchema,
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  Permission_Type,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
} from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { CallError, SimCluster, type SimSettings } from './testing/index.ts';

const AUTH = '/etcdserverpb.Auth';
const USER_ADD = [`${AUTH}/UserAdd`, AuthUserAddRequestSchema, AuthUserAddResponseSchema] as const;
const USER_DELETE = [
  `${AUTH}/UserDelete`,
  AuthUserDeleteRequestSchema,
  AuthUserDeleteResponseSchema,
] as const;
const USER_GRANT = [
  `${AUTH}/UserGrantRole`,
  AuthUserGrantRoleRequestSchema,
  AuthUserGrantRoleResponseSchema,
] as const;
const ROLE_ADD = [`${AUTH}/RoleAdd`, AuthRoleAddRequestSchema, AuthRoleAddResponseSchema] as const;
const ROLE_GRANT = [
  `${AUTH}/RoleGrantPermission`,
  AuthRoleGrantPermissionRequestSchema,
  AuthRoleGrantPermissionResponseSchema,
] as const;
const ROLE_REVOKE = [
  `${AUTH}/RoleRevokePermission`,
  AuthRoleRevokePermissionRequestSchema,
  AuthRoleRevokePermissionResponseSchema,
] as const;
const ENABLE = [`${AUTH}/AuthEnable`, AuthEnableRequestSchema, AuthEnableResponseSchema] as const;
const AUTHENTICATE = [
  `${AUTH}/Authenticate`,
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
] as const;
const PUT = ['/etcdserverpb.KV/Put', PutRequestSchema, PutResponseSchema] as const;
const RANGE = ['/etcdserverpb.KV/Range', RangeRequestSchema, RangeResponseSchema] as const;
const GRANT = [
  '/etcdserverpb.Lease/LeaseGrant',
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
] as const;

const DENIED = 'etcdserver: permission denied';
const NOBODY = 'etcdserver: user name is empty';
const BAD_TOKEN = 'etcdserver: invalid auth token';
const OLD_REVISION = 'etcdserver: revision of auth store is old';

const key = Buffer.from('k');

/** What alice may do with the one key that she may do anything with. */
const READ_WRITE = { key, permType: Permission_Type.READWRITE };

/** Members that ask who calls: root has everything, alice a role with nothing in it. */
async function enforcing(seed: number, size: number, settings?: SimSettings): Promise<SimCluster> {
  const cluster = await SimCluster.start(seed, size, settings === undefined ? {} : { settings });
  const at = 0;
  for (const name of ['root', 'alice']) {
    await cluster.call(at, USER_ADD, { name, password: `${name}'s` });
  }
  await cluster.call(at, ROLE_ADD, { name: 'writer' });
  await cluster.call(at, USER_GRANT, { user: 'root', role: 'root' });
  await cluster.call(at, USER_GRANT, { user: 'alice', role: 'writer' });
  await cluster.call(at, ENABLE, {});
  return cluster;
}

async function tokenOf(cluster: SimCluster, at: number, name: string): Promise<string> {
  const { token } = await cluster.call(at, AUTHENTICATE, { name, password: `${name}'s` });
  return token;
}

/** What a call was refused with. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const outcome: unknown = await call.catch((error: unknown) => error);
  if (!(outcome instanceof CallError)) throw new Error(`not refused: ${String(outcome)}`);
  return outcome.message;
}

describe('three members', () => {
  it('enforce at each of them what was changed at any', async () => {
    const cluster = await enforcing(1, 3);
    const root = await tokenOf(cluster, 1, 'root');
    const alice = await tokenOf(cluster, 2, 'alice');
    for (let at = 0; at < 3; at++) {
      expect(await refusal(cluster.call(at, PUT, { key }))).toBe(NOBODY);
      expect(await refusal(cluster.call(at, RANGE, { key }))).toBe(NOBODY);
      expect(await refusal(cluster.call(at, PUT, { key }, 'QWertyUiopAsdfgh.9'))).toBe(BAD_TOKEN);
      expect(await refusal(cluster.call(at, PUT, { key }, alice))).toBe(DENIED);
      await cluster.call(at, PUT, { key }, root);
    }
    await cluster.call(1, ROLE_GRANT, { name: 'writer', perm: READ_WRITE }, root);
    for (let at = 0; at < 3; at++) {
      // Reading brings it up to date: a write that it sends on sooner is of the old auth revision.
      await cluster.call(at, RANGE, { key }, alice);
      await cluster.call(at, PUT, { key }, alice);
    }
    await cluster.call(2, ROLE_REVOKE, { role: 'writer', key }, root);
    for (let at = 0; at < 3; at++) {
      expect(await refusal(cluster.call(at, RANGE, { key }, alice))).toBe(DENIED);
      expect(await refusal(cluster.call(at, PUT, { key }, alice))).toBe(DENIED);
    }
    await cluster.call(0, USER_DELETE, { name: 'alice' }, root);
    for (let at = 0; at < 3; at++) {
      expect(await refusal(cluster.call(at, RANGE, { key }, alice))).toBe(BAD_TOKEN);
    }
  });

  it('take a token at one that has not heard of it yet', async () => {
    const cluster = await enforcing(2, 3);
    const leader = cluster.leader as number;
    const [behind, other] = [0, 1, 2].filter((index) => index !== leader) as [number, number];
    await cluster.call(behind, RANGE, { key }, await tokenOf(cluster, behind, 'root'));
    cluster.isolate(behind);
    const token = await tokenOf(cluster, other, 'root');
    const answer = cluster.call(behind, RANGE, { key }, token);
    await cluster.time.run(200);
    cluster.heal();
    expect((await answer).count).toBe(0n);
  });

  it('refuse a write whose permission was taken away before it was applied', async () => {
    for (const at of [0, 1, 2]) {
      const cluster = await enforcing(3, 3);
      const root = await tokenOf(cluster, at, 'root');
      const alice = await tokenOf(cluster, at, 'alice');
      await cluster.call(at, ROLE_GRANT, { name: 'writer', perm: READ_WRITE }, root);
      await cluster.call(at, PUT, { key }, alice);
      const member = cluster.member(at);
      const revoked = member.call(...ROLE_REVOKE, { role: 'writer', key }, root);
      // It is proposed within this turn, and no time passes before the write is.
      for (let i = 0; i < 10; i++) await Promise.resolve();
      const written = refusal(member.call(...PUT, { key }, alice));
      await cluster.time.run(1000);
      await revoked;
      expect(await written).toBe(OLD_REVISION);
    }
  });

  it('keep users, roles and the switch through crashes of all, and forget simple tokens', async () => {
    const cluster = await enforcing(4, 3);
    const root = await tokenOf(cluster, 0, 'root');
    await cluster.call(0, ROLE_GRANT, { name: 'writer', perm: READ_WRITE }, root);
    const revisions = () => cluster.members.map(({ core }) => core.auth.store.revision);
    await cluster.time.run(1000);
    const [revision] = revisions();
    for (let index = 0; index < 3; index++) cluster.crash(index);
    for (let index = 0; index < 3; index++) await cluster.boot(index);
    await cluster.time.until(() => cluster.members.length === 3 && cluster.leader !== undefined);
    expect(revisions()).toEqual([revision, revision, revision]);
    expect(await refusal(cluster.call(1, PUT, { key }))).toBe(NOBODY);
    const alice = await tokenOf(cluster, 1, 'alice');
    await cluster.call(2, PUT, { key }, alice);
    expect(await refusal(cluster.call(2, PUT, { key: Buffer.from('other') }, alice))).toBe(DENIED);
  });

  it('bring one up to date that missed it, by a state', async () => {
    const cluster = await enforcing(5, 3, { snapshotCount: 5, snapshotCatchupEntries: 5 });
    const leader = cluster.leader as number;
    const away = (leader + 1) % 3;
    const root = await tokenOf(cluster, leader, 'root');
    await cluster.time.run(500);
    // It takes the state of others while it runs, and may have missed that a password was changed.
    cluster.isolate(away);
    // Long enough for nobody to keep entries for it.
    await cluster.time.run(10_000);
    await cluster.call(leader, ROLE_GRANT, { name: 'writer', perm: READ_WRITE }, root);
    for (let i = 0; i < 40; i++) await cluster.call(leader, PUT, { key }, root);
    const serializable = true;
    await cluster.call(away, RANGE, { key, serializable }, root);
    cluster.heal();
    await cluster.time.until(() => cluster.statesSent === 1);
    await cluster.time.run(2000);
    expect(await refusal(cluster.call(away, RANGE, { key, serializable }, root))).toBe(BAD_TOKEN);
    const alice = await tokenOf(cluster, away, 'alice');
    await cluster.call(away, RANGE, { key, serializable }, alice);
    const other = { key: Buffer.from('other'), serializable };
    expect(await refusal(cluster.call(away, RANGE, other, alice))).toBe(DENIED);
  });

  it('end leases by themselves, though nobody is asked', async () => {
    const cluster = await enforcing(6, 3);
    const root = await tokenOf(cluster, 0, 'root');
    expect(await refusal(cluster.call(0, GRANT, { ID: 7n, TTL: 2n }))).toBe(NOBODY);
    await cluster.call(0, GRANT, { ID: 7n, TTL: 2n }, root);
    await cluster.call(0, PUT, { key, lease: 7n }, root);
    expect((await cluster.call(0, RANGE, { key }, root)).count).toBe(1n);
    await cluster.time.run(10_000);
    expect((await cluster.call(0, RANGE, { key }, root)).count).toBe(0n);
  });

  it('give no token for a wrong password, nor to nobody', async () => {
    const cluster = await enforcing(7, 1);
    const ask = (name: string, password: string) =>
      refusal(cluster.call(0, AUTHENTICATE, { name, password }));
    const failed = 'etcdserver: authentication failed, invalid user ID or password';
    expect(await ask('alice', 'wrong')).toBe(failed);
    expect(await ask('bob', "alice's")).toBe(failed);
    expect(await ask('', '')).toBe(failed);
    const root = await tokenOf(cluster, 0, 'root');
    const options = { noPassword: true };
    await cluster.call(0, USER_ADD, { name: 'proxy', password: 'clear', options }, root);
    expect(await ask('proxy', 'clear')).toBe(
      'auth: authentication failed, password was given for no password user',
    );
  });

  it('ask nobody while authentication is off', async () => {
    const cluster = await SimCluster.start(8, 1);
    await cluster.call(0, PUT, { key }, 'QWertyUiopAsdfgh.9');
    expect(await refusal(cluster.call(0, AUTHENTICATE, { name: 'alice' }))).toBe(
      'etcdserver: authentication is not enabled',
    );
  });
});
