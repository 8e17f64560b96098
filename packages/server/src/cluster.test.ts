import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveRequestSchema,
  LeaseKeepAliveResponseSchema,
  MemberAddRequestSchema,
  MemberAddResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
} from '@kvorum/api';
import { newMessage } from '@kvorum/raft';
import { describe, expect, it } from 'vitest';
import { SimCluster } from './testing/index.ts';

const PUT = ['/etcdserverpb.KV/Put', PutRequestSchema, PutResponseSchema] as const;
const RANGE = ['/etcdserverpb.KV/Range', RangeRequestSchema, RangeResponseSchema] as const;
const GRANT = [
  '/etcdserverpb.Lease/LeaseGrant',
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
] as const;
const ADD = [
  '/etcdserverpb.Cluster/MemberAdd',
  MemberAddRequestSchema,
  MemberAddResponseSchema,
] as const;
const key = Buffer.from('k');

async function read(cluster: SimCluster, at: number): Promise<string | undefined> {
  const { kvs } = await cluster.call(at, RANGE, { key });
  return kvs[0] === undefined ? undefined : Buffer.from(kvs[0].value).toString();
}

describe('three members', () => {
  it('take a write at any of them and show it at all', async () => {
    const cluster = await SimCluster.start(1, 3);
    for (let writer = 0; writer < 3; writer++) {
      const value = Buffer.from(`from ${writer}`);
      const { header } = await cluster.call(writer, PUT, { key, value });
      expect(header?.revision).toBe(BigInt(writer + 2));
      for (let reader = 0; reader < 3; reader++) {
        expect(await read(cluster, reader)).toBe(`from ${writer}`);
      }
    }
  });

  it('go on without the leader, and with it when it is back', async () => {
    const cluster = await SimCluster.start(2, 3);
    await cluster.call(0, PUT, { key, value: Buffer.from('before') });
    const leader = cluster.leader as number;
    cluster.crash(leader);
    const next = await cluster.leaderOtherThan(leader);
    const follower = 3 - leader - next;
    await cluster.call(follower, PUT, { key, value: Buffer.from('without') });
    expect(await read(cluster, next)).toBe('without');
    await cluster.boot(leader);
    await cluster.time.until(() => cluster.members.length === 3);
    expect(await read(cluster, leader)).toBe('without');
  });

  it('wait for no time-out when they hear that the process of the leader has ended', async () => {
    const cluster = await SimCluster.start(3, 3);
    const leader = cluster.leader as number;
    const { memberId } = cluster.member(leader).core;
    cluster.crash(leader);
    const crashedAtMs = cluster.time.nowMs;
    for (const { core } of cluster.members) core.loop.reportGone(memberId);
    const next = await cluster.leaderOtherThan(leader);
    await cluster.call(next, PUT, { key, value: Buffer.from('without') });
    expect(cluster.time.nowMs - crashedAtMs).toBeLessThan(500);
  });

  it('carry out a write that was lost with the leader, once another one leads', async () => {
    const cluster = await SimCluster.start(4, 3);
    await cluster.call(0, PUT, { key });
    const leader = cluster.leader as number;
    const follower = (leader + 1) % 3;
    cluster.crash(leader);
    const { header } = await cluster.call(follower, PUT, { key });
    expect(header?.revision).toBe(3n);
    expect(cluster.leader).not.toBe(leader);
  });

  it('carry out once what a leader had taken and could not tell the others of', async () => {
    const cluster = await SimCluster.start(4, 3);
    const leader = cluster.leader as number;
    cluster.isolate(leader);
    const put = cluster.member(leader).call(...PUT, { key, value: Buffer.from('once') });
    const next = await cluster.leaderOtherThan(leader);
    expect(await read(cluster, next)).toBeUndefined();
    cluster.heal();
    let isDone = false;
    void put.then(() => {
      isDone = true;
    });
    await cluster.time.until(() => isDone);
    const { kvs } = await cluster.call(next, RANGE, { key });
    expect(kvs.map(({ version }) => version)).toEqual([1n]);
  });

  it('take no write that was forwarded to the leader of an earlier term', async () => {
    const cluster = await SimCluster.start(4, 3);
    const leader = cluster.leader as number;
    const { core } = cluster.member(leader);
    const { committedIndex, term } = core.raftStatus();
    const forwarded = newMessage('MsgProp', core.memberId);
    forwarded.from = cluster.member((leader + 1) % 3).core.memberId;
    forwarded.term = term - 1;
    forwarded.entries = [{ term: 0, index: 0, type: 'normal', data: key, context: undefined }];
    core.loop.step(forwarded);
    await cluster.call(leader, PUT, { key });
    expect(core.raftStatus().committedIndex).toBe(committedIndex + 1);
  });

  it('say that the leader failed when no other one follows it in time', async () => {
    const cluster = await SimCluster.start(4, 3);
    const leader = cluster.leader as number;
    const follower = (leader + 1) % 3;
    cluster.crash(leader);
    cluster.crash((leader + 2) % 3);
    await expect(cluster.call(follower, PUT, { key })).rejects.toThrow(
      'etcdserver: request timed out, possibly due to previous leader failure',
    );
  });

  it('bring one that was away for long up to date with their state', async () => {
    const cluster = await SimCluster.start(6, 3);
    await cluster.call(0, PUT, { key, value: Buffer.from('before') });
    const leader = cluster.leader as number;
    const [away, other] = [(leader + 1) % 3, (leader + 2) % 3];
    cluster.crash(away);
    for (let i = 0; i < 20; i++) {
      await cluster.call(leader, PUT, { key: Buffer.from(`k${i}`), value: Buffer.from('x') });
    }
    // A restart keeps no entries that are applied.
    for (const index of [leader, other]) {
      cluster.crash(index);
      await cluster.boot(index);
    }
    await cluster.time.until(() => cluster.members.length === 2);
    await cluster.boot(away);
    await cluster.time.until(() => cluster.members.length === 3);
    expect(cluster.statesSent).toBe(1);
    const { count } = await cluster.call(away, RANGE, { key, rangeEnd: Buffer.from('l') });
    expect(count).toBe(21n);
    // It survives a restart, and takes part again.
    cluster.crash(away);
    await cluster.boot(away);
    await cluster.time.until(() => cluster.members.length === 3);
    await cluster.call(away, PUT, { key, value: Buffer.from('after') });
    expect(await read(cluster, leader)).toBe('after');
    expect(cluster.statesSent).toBe(1);
  });

  it('ask the leader for what only it can do', async () => {
    const cluster = await SimCluster.start(6, 3);
    const follower = ((cluster.leader as number) + 1) % 3;
    const granted = await cluster.call(follower, GRANT, { TTL: 60n });
    let answer: Uint8Array | undefined;
    const stream = cluster.stream(follower, '/etcdserverpb.Lease/LeaseKeepAlive', {
      message: (bytes) => {
        answer = bytes;
      },
      ended: () => {},
    });
    const renewal = create(LeaseKeepAliveRequestSchema, { ID: granted.ID });
    stream?.send(toBinary(LeaseKeepAliveRequestSchema, renewal));
    await cluster.time.until(() => answer !== undefined);
    const renewed = fromBinary(LeaseKeepAliveResponseSchema, answer as Uint8Array);
    expect([renewed.ID, renewed.TTL]).toEqual([granted.ID, 60n]);
    await cluster.call(follower, PUT, { key });
  });

  it('add no learner too many when they are asked for at once', async () => {
    const cluster = await SimCluster.start(8, 3);
    // A member is trusted when it has been connected for a while.
    await cluster.time.run(6_000);
    const leader = cluster.leader as number;
    const answers = [0, 1, 2].map((i) => {
      const peerURLs = [`http://learner${i}:2380`];
      return cluster.call(leader, ADD, { peerURLs, isLearner: true });
    });
    const ends = (await Promise.allSettled(answers)).map((end) =>
      end.status === 'fulfilled' ? 'added' : end.reason.message,
    );
    const tooMany = 'etcdserver: too many learner members in cluster';
    expect(ends.sort()).toEqual(['added', tooMany, tooMany]);
    await cluster.call(0, PUT, { key });
    await cluster.time.run(1_000);
    for (const { core } of cluster.members) {
      expect(core.cluster.members().filter(({ isLearner }) => isLearner)).toHaveLength(1);
    }
  });

  it('leave one that is made a cluster of its own with its writes, and with nobody to wait for', async () => {
    const settings = { snapshotCount: 5, strictReconfigCheck: false, forceNewCluster: false };
    const cluster = await SimCluster.start(9, 3, { settings });
    const leader = cluster.leader as number;
    for (let i = 0; i < 20; i++) await cluster.call(leader, PUT, { key });
    await cluster.call(leader, PUT, { key, value: Buffer.from('acknowledged') });
    const { core } = cluster.member(leader);
    const before = core.raftStatus().committedIndex;
    // Neither is committed: nobody hears of them.
    cluster.isolate(leader);
    cluster.call(leader, ADD, { peerURLs: ['http://new:2380'] }).catch(() => {});
    const unknown = Buffer.from('unknown');
    cluster.call(leader, PUT, { key: unknown }).catch(() => {});
    await cluster.time.run(50);
    expect(core.raftStatus().committedIndex).toBe(before);
    for (let index = 0; index < 3; index++) cluster.crash(index);
    for (const isForced of [true, false]) {
      settings.forceNewCluster = isForced;
      await cluster.boot(leader);
      await cluster.time.until(() => cluster.members.length === 1);
      const alone = cluster.member(leader).core;
      expect(alone.cluster.members().map(({ id }) => id)).toEqual([alone.memberId]);
      expect(await read(cluster, leader)).toBe('acknowledged');
      // What was not acknowledged may come true: its log can't tell it from what was.
      expect((await cluster.call(leader, RANGE, { key: unknown })).count).toBe(1n);
      cluster.crash(leader);
    }
  });

  it('let a lease live that a leader which stood still thinks to be over', async () => {
    const cluster = await SimCluster.start(7, 3);
    const leader = cluster.leader as number;
    const lease = 77n;
    await cluster.call(leader, GRANT, { ID: lease, TTL: 2n });
    await cluster.call(leader, PUT, { key, value: Buffer.from('kept'), lease });
    cluster.pause(leader, 6_000);
    const next = await cluster.leaderOtherThan(leader);
    // It renews once it has applied an entry of its own.
    await cluster.call(next, PUT, { key: Buffer.from('other') });
    const stream = cluster.stream(next, '/etcdserverpb.Lease/LeaseKeepAlive', {
      message: () => {},
      ended: () => {},
    });
    const renewal = create(LeaseKeepAliveRequestSchema, { ID: lease });
    for (let i = 0; i < 20; i++) {
      stream?.send(toBinary(LeaseKeepAliveRequestSchema, renewal));
      await cluster.time.run(400);
    }
    expect(await read(cluster, next)).toBe('kept');
  });

  it('let another one lead when the disk of the leader stands still', async () => {
    const cluster = await SimCluster.start(7, 3, { syncMs: [1, 2] });
    const leader = cluster.leader as number;
    const put = (at: number) => cluster.call(at, PUT, { key, value: Buffer.from(`at ${at}`) });
    await put(leader);
    cluster.paceDisk(leader, [10_000, 10_000]);
    const startMs = cluster.time.nowMs;
    const lost = put(leader).catch(() => {});
    const next = await cluster.leaderOtherThan(leader);
    // Half an election time-out to notice, and some round trips: heartbeats went on, so nobody timed out.
    expect(cluster.time.nowMs - startMs).toBeLessThan(1000);
    await put(next);
    await lost;
  });

  it('are led on at once when the leader stops', async () => {
    const cluster = await SimCluster.start(8, 3);
    const leader = cluster.leader as number;
    const startMs = cluster.time.nowMs;
    let hasStopped = false;
    void cluster.stop(leader).then(() => {
      hasStopped = true;
    });
    await cluster.leaderOtherThan(leader);
    expect(cluster.time.nowMs - startMs).toBeLessThan(500);
    await cluster.time.until(() => hasStopped);
  });

  it('show nothing old at a leader that was cut off', async () => {
    const cluster = await SimCluster.start(3, 3);
    await cluster.call(0, PUT, { key, value: Buffer.from('old') });
    const leader = cluster.leader as number;
    cluster.isolate(leader);
    const other = await cluster.leaderOtherThan(leader);
    await cluster.call(other, PUT, { key, value: Buffer.from('new') });
    await expect(cluster.call(leader, RANGE, { key })).rejects.toThrow(
      'etcdserver: request timed out',
    );
    cluster.heal();
    expect(await read(cluster, leader)).toBe('new');
  });
});
