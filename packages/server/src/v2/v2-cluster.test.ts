import { Prng } from '@kvorum/wal/testing';
import { describe, expect, it } from 'vitest';
import { SimCluster } from '../testing/index.ts';
import { askV2, type V2Answer, v2RowsOf } from './testing/v2-client.ts';

/** Asks a member and lets time pass until it has answered. */
async function ask(cluster: SimCluster, at: number, line: string): Promise<V2Answer> {
  let answer: V2Answer | undefined;
  let failure: unknown;
  askV2(cluster.member(at).core, line).then(
    (given) => {
      answer = given;
    },
    (error: unknown) => {
      failure = error;
    },
  );
  await cluster.time.until(() => answer !== undefined || failure !== undefined);
  if (answer === undefined) throw failure;
  return answer;
}

async function agree(cluster: SimCluster): Promise<void> {
  await cluster.time.until(() => {
    const points = cluster.members.map(({ core }) => core.raftStatus().appliedIndex);
    return new Set(points).size === 1 && cluster.members.length === cluster.size;
  });
  const [first, ...others] = cluster.members.map(({ core }) => v2RowsOf(core));
  for (const rows of others) expect(rows).toEqual(first);
}

describe('the v2 keys of three members', () => {
  it('are changed at any of them and seen at all', async () => {
    const cluster = await SimCluster.start(1, 3);
    for (let writer = 0; writer < 3; writer++) {
      const written = await ask(cluster, writer, `PUT /key value=from${writer}`);
      // Three members were added, named themselves, and agreed on a version; publishing may have been repeated.
      expect(written.json.node).toMatchObject({ value: `from${writer}` });
      for (let reader = 0; reader < 3; reader++) {
        const read = await ask(cluster, reader, 'GET /key?quorum=true');
        expect(read.json.node).toEqual(written.json.node);
        expect(read.index).toBeGreaterThanOrEqual(written.index);
      }
    }
    await agree(cluster);
  });

  it('tell watchers at a follower', async () => {
    const cluster = await SimCluster.start(2, 3);
    const leader = cluster.leader as number;
    const follower = (leader + 1) % 3;
    const heard = ask(cluster, follower, 'GET /w?wait=true&recursive=true');
    void askV2(cluster.member(leader).core, 'PUT /w/a value=1');
    expect((await heard).json.node).toMatchObject({ key: '/w/a', value: '1' });
  });

  it('expire by the clock of the leader alone, whoever that is', async () => {
    const cluster = await SimCluster.start(3, 3);
    const leader = cluster.leader as number;
    const [one, other] = [(leader + 1) % 3, (leader + 2) % 3];
    await ask(cluster, leader, 'PUT /short value=x&ttl=10');
    await ask(cluster, leader, 'PUT /dir/long value=x&ttl=40');
    cluster.jumpClock(one, 3_600_000);
    cluster.jumpClock(other, -3_600_000);
    await cluster.time.run(5000);
    expect((await ask(cluster, one, 'GET /short')).status).toBe(200);
    await cluster.time.run(6000);
    for (const at of [leader, one, other]) {
      expect((await ask(cluster, at, 'GET /short?quorum=true')).json.errorCode).toBe(100);
      expect((await ask(cluster, at, 'GET /dir/long')).status).toBe(200);
    }
    // The next leader's clock is the one that counts then: the one that is an hour ahead, or behind.
    cluster.crash(leader);
    const next = await cluster.leaderOtherThan(leader);
    await cluster.time.run(3000);
    const expected = next === one ? 404 : 200;
    expect((await ask(cluster, next, 'GET /dir/long')).status).toBe(expected);
    await cluster.boot(leader);
    await agree(cluster);
  });

  it('are after a crash of all what they were, with index, history and expirations', async () => {
    const cluster = await SimCluster.start(4, 3);
    const first = await ask(cluster, 0, 'PUT /a/b value=1');
    await ask(cluster, 1, 'PUT /a/c value=2&ttl=20');
    await ask(cluster, 2, 'POST /queue value=job');
    const before = await ask(cluster, 2, 'GET /?recursive=true&quorum=true');
    for (let at = 0; at < 3; at++) cluster.crash(at);
    for (let at = 0; at < 3; at++) await cluster.boot(at);
    await cluster.time.until(() => cluster.members.length === 3);
    const after = await ask(cluster, 1, 'GET /?recursive=true&quorum=true');
    const plain = (answer: V2Answer) => JSON.stringify(answer.json).replace(/"ttl":\d+/, '"ttl":0');
    expect(plain(after)).toBe(plain(before));
    const past = await ask(cluster, 0, `GET /a?recursive=true&wait=true&waitIndex=${first.index}`);
    expect(past.json).toEqual(first.json);
    await cluster.time.run(25_000);
    expect((await ask(cluster, 0, 'GET /a/c?quorum=true')).status).toBe(404);
    await agree(cluster);
  });

  it('reach a member that the log can not help any more', async () => {
    const cluster = await SimCluster.start(10, 3);
    const leader = cluster.leader as number;
    const [behind, other] = [(leader + 1) % 3, (leader + 2) % 3];
    const first = await ask(cluster, leader, 'PUT /kept value=1&ttl=60');
    await cluster.time.run(100);
    cluster.crash(behind);
    for (let i = 0; i < 20; i++) await ask(cluster, leader, `PUT /k${i % 7} value=${i}`);
    // A restart keeps no entries that are applied.
    for (const at of [leader, other]) {
      cluster.crash(at);
      await cluster.boot(at);
    }
    await cluster.time.until(() => cluster.members.length === 2);
    await cluster.boot(behind);
    await cluster.time.until(() => cluster.isUp(behind));
    await agree(cluster);
    expect(cluster.statesSent).toBe(1);
    const target = `GET /kept?wait=true&waitIndex=${first.index}`;
    expect((await ask(cluster, behind, target)).json).toEqual(first.json);
    // It may lead one day, and then knows what expires.
    expect(cluster.member(behind).core.v2.nextExpirationNs).toBe(
      cluster.member(leader).core.v2.nextExpirationNs,
    );
  });

  it('tell who waits at a member what came with the state that it received', async () => {
    const settings = { snapshotCount: 10, snapshotCatchupEntries: 0 };
    const cluster = await SimCluster.start(7, 3, { settings });
    const leader = cluster.leader as number;
    const away = (leader + 1) % 3;
    const heard = [
      ask(cluster, away, 'GET /w?wait=true&recursive=true'),
      ask(cluster, away, 'GET /late?wait=true'),
    ];
    cluster.isolate(away);
    await cluster.time.run(5000);
    await ask(cluster, leader, 'PUT /w/a value=missed');
    for (let i = 0; i < 40; i++) await ask(cluster, leader, `PUT /k value=${i}`);
    cluster.heal();
    expect((await heard[0])?.json.node).toMatchObject({ key: '/w/a', value: 'missed' });
    expect(cluster.statesSent).toBe(1);
    expect(cluster.member(away).core.v2.hub.count).toBe(1);
    void askV2(cluster.member(leader).core, 'PUT /late value=1');
    expect((await heard[1])?.json.node).toMatchObject({ key: '/late', value: '1' });
  });

  const runs = Number(process.env.KVORUM_RUNS ?? 6);
  it.each(Array.from({ length: runs }, (_, i) => 100 + i))(
    'agree under crashes and cuts, and lose nothing that was acknowledged: seed %i',
    async (seed) => {
      const prng = new Prng(seed);
      const settings = { snapshotCount: 30, snapshotCatchupEntries: 5, walSegmentBytes: 4096 };
      const cluster = await SimCluster.start(seed, 3, { settings });
      const acknowledged = new Map<number, string>();
      const lines = [
        () => `PUT /k${prng.below(4)} value=${prng.below(9)}`,
        () => `PUT /d/k${prng.below(4)} value=${prng.below(9)}&ttl=${1 + prng.below(9)}`,
        () => `PUT /k${prng.below(4)} prevExist=false&value=x`,
        () => `PUT /k${prng.below(4)} prevValue=${prng.below(9)}&value=y`,
        () => 'POST /d value=job',
        () => `DELETE /k${prng.below(4)}`,
        () => 'DELETE /d?recursive=true',
      ];
      for (let round = 0; round < 25; round++) {
        for (let i = 0; i < 6; i++) {
          const at = cluster.up(prng);
          if (at === undefined) continue;
          const line = (lines[prng.below(lines.length)] as () => string)();
          void askV2(cluster.member(at).core, line).then(
            ({ json, index }) => {
              if (json.errorCode !== undefined) return;
              expect(acknowledged.has(index), `index ${index} twice`).toBe(false);
              acknowledged.set(index, JSON.stringify(json));
            },
            () => {},
          );
        }
        await cluster.time.run(prng.below(400));
        const at = prng.below(3);
        const fault = prng.below(6);
        if (fault === 0 && cluster.isUp(at)) {
          cluster.crash(at);
          await cluster.boot(at);
        } else if (fault === 1) cluster.isolate(at);
        else if (fault === 2) cluster.heal();
        else if (fault === 3 && cluster.isUp(at))
          cluster.jumpClock(at, prng.below(20_000) - 10_000);
      }
      cluster.heal();
      await cluster.time.run(15_000);
      await agree(cluster);
      const { core } = cluster.member(0);
      expect(acknowledged.size).toBeGreaterThan(20);
      for (const [index, json] of acknowledged) {
        const found = core.v2.history.find(core.store.engine, '/1', true, BigInt(index), index);
        expect(JSON.stringify(JSON.parse(found?.json ?? 'null')), `index ${index}`).toBe(json);
      }
    },
  );
});
