import {
  MemberAddRequestSchema,
  MemberAddResponseSchema,
  MemberPromoteRequestSchema,
  MemberPromoteResponseSchema,
  MemberRemoveRequestSchema,
  MemberRemoveResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
} from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { SimCluster, type SimEnd } from './sim-cluster.ts';

const PUT = ['/etcdserverpb.KV/Put', PutRequestSchema, PutResponseSchema] as const;
const RANGE = ['/etcdserverpb.KV/Range', RangeRequestSchema, RangeResponseSchema] as const;
const ADD = [
  '/etcdserverpb.Cluster/MemberAdd',
  MemberAddRequestSchema,
  MemberAddResponseSchema,
] as const;
const PROMOTE = [
  '/etcdserverpb.Cluster/MemberPromote',
  MemberPromoteRequestSchema,
  MemberPromoteResponseSchema,
] as const;
const REMOVE = [
  '/etcdserverpb.Cluster/MemberRemove',
  MemberRemoveRequestSchema,
  MemberRemoveResponseSchema,
] as const;
const key = Buffer.from('k');

async function add(cluster: SimCluster, at: number, isLearner: boolean): Promise<number> {
  const index = cluster.addPlace();
  await cluster.call(at, ADD, { peerURLs: [cluster.urlOf(index)], isLearner });
  // The others hear of it, too: whichever is asked who it is knows.
  await cluster.time.run(1_000);
  await cluster.boot(index);
  await cluster.time.until(() => cluster.isUp(index));
  // The leader hears what it has.
  await cluster.time.run(1_000);
  return index;
}

describe('a simulated cluster', () => {
  it('takes in a learner, gives it a vote, and goes on without the member that led', async () => {
    const ends: [number, SimEnd][] = [];
    const onEnd = (index: number, why: SimEnd) => ends.push([index, why]);
    const cluster = await SimCluster.start(1, 3, { onEnd });
    // Members trust each other when they have been connected for a while.
    await cluster.time.run(6_000);
    const leader = cluster.leader as number;
    await cluster.call(leader, PUT, { key, value: Buffer.from('before') });
    const added = await add(cluster, leader, true);
    const { memberId: ID } = cluster.member(added).core;
    await cluster.call((leader + 1) % 3, PROMOTE, { ID });
    const follower = (leader + 1) % 3;
    await cluster.call(follower, REMOVE, { ID: cluster.member(leader).core.memberId });
    await cluster.time.until(() => cluster.hasLeft(leader) && !cluster.isRunning(leader));
    expect(ends).toEqual([[leader, 'removed']]);
    await cluster.leaderOtherThan(leader);
    const { kvs } = await cluster.call(added, RANGE, { key });
    expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe('before');
    expect(cluster.membership.map(({ isLearner }) => isLearner)).toEqual([false, false, false]);
    // It is told again when it is started again.
    await cluster.boot(leader);
    await cluster.time.until(() => ends.length === 2);
    expect(ends[1]).toEqual([leader, 'removed']);
  });

  it('refuses a member that nobody has added', async () => {
    const cluster = await SimCluster.start(2, 1);
    const index = cluster.addPlace();
    await expect(cluster.boot(index)).rejects.toThrow('member count is unequal');
    expect(cluster.isRunning(index)).toBe(false);
  });

  it('ends a member whose log can not be synced, before it acknowledges anything', async () => {
    const ends: [number, SimEnd][] = [];
    const failures: unknown[] = [];
    const cluster = await SimCluster.start(3, 3, {
      syncMs: [1, 2],
      onEnd: (index, why) => ends.push([index, why]),
      onFailure: (_, error) => failures.push(error),
    });
    const leader = cluster.leader as number;
    cluster.failDisk(leader, 'sync', 0);
    const put = cluster.call(leader, PUT, { key, value: Buffer.from('lost or not') });
    await expect(put).rejects.toThrow('etcdserver: server stopped');
    expect(ends).toEqual([[leader, 'disk']]);
    const next = await cluster.leaderOtherThan(leader);
    await cluster.call(next, PUT, { key, value: Buffer.from('after') });
    await cluster.boot(leader);
    await cluster.time.until(() => cluster.members.length === 3);
    const { kvs } = await cluster.call(leader, RANGE, { key });
    expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe('after');
    expect(failures).toEqual([]);
  });
});
