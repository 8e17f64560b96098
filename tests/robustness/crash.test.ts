import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { chooseSeed, Prng } from '../framework/prng.ts';
import { Auditor } from './auditor.ts';
import { Model } from './model.ts';
import { observe } from './observed.ts';
import { ResumingWatch } from './resuming-watch.ts';
import { Writer } from './writer.ts';

// A member is killed again and again, at moments that the seed decides, while clients write to it. After each restart
// an audit holds it to every answer it gave.

const seed = chooseSeed();
const kills = Number(process.env.KVORUM_KILLS ?? 55);
const writerCount = 8;
const connectionCount = 4;
/** Few, so that snapshots and the release of old segments are met too. */
const snapshotCount = 300;

/** Lets all writers write until the member has been killed. Rejects when one is refused before. */
async function writeUntilKilled(
  member: TestMember,
  writers: readonly Writer[],
  auditor: Auditor,
  random: Prng,
): Promise<void> {
  let answersLeft = random.between(1, 200);
  const turnsLeft = random.below(8);
  let killed: Promise<void> | undefined;
  const killSoon = async () => {
    for (let left = turnsLeft; left > 0; left--) await turn();
    await member.kill();
  };
  const write = async (writer: Writer, client: TestClient) => {
    for (;;) {
      const { write, send } = writer.plan();
      auditor.sent(write);
      try {
        const revision = await send(client);
        auditor.answered(write, Number(revision));
        writer.acknowledge(write);
      } catch (error) {
        // A dying member may answer with anything; a living one has no reason to refuse.
        if (killed === undefined) throw error;
        return;
      }
      if (--answersLeft === 0) killed = killSoon();
    }
  };
  const clients = Array.from({ length: connectionCount }, () => new TestClient(member.url));
  await Promise.all(
    writers.map((writer, index) => {
      const client = clients[index % connectionCount];
      return client === undefined ? undefined : write(writer, client);
    }),
  );
  for (const client of clients) client[Symbol.dispose]();
  await killed;
}

/** Starts the member again; now and then kills it once more before it is up. Returns how many kills that were. */
async function restart(member: TestMember, random: Prng): Promise<number> {
  if (!random.chance(0.15)) {
    await member.restart();
    return 0;
  }
  await member.respawn();
  await member.process.stderr.firstLines(random.between(1, 4));
  await member.kill();
  return 1 + (await restart(member, random));
}

async function hashOf(client: TestClient, revision: number): Promise<number> {
  return (await client.maintenance.hashKV({ revision: BigInt(revision) })).hash;
}

describe('a member that is killed under load', () => {
  const title = `keeps every promise through ${kills} kills (seed ${seed})`;
  it(title, { timeout: 300_000 }, async () => {
    const random = new Prng(seed);
    const auditor = new Auditor();
    const writers = Array.from({ length: writerCount }, (_, name) => {
      return new Writer(name, new Prng(seed + name));
    });
    const everything = new ResumingWatch({ key: '\0', rangeEnd: '\0' }, 2);
    const some = writers.slice(0, 1).map(({ range }) => new ResumingWatch(range, 2));
    const watches = [everything, ...some];

    await using member = await startKvorum({ flags: [`--snapshot-count=${snapshotCount}`] });
    for (let killed = 0; killed < kills; ) {
      using watching = new TestClient(member.url);
      for (const watch of watches) watch.resume(watching);
      await writeUntilKilled(member, writers, auditor, random);
      killed++;
      for (const watch of watches) await watch.close();
      killed += await restart(member, random);
      using client = new TestClient(member.url);
      const { keys, leases } = await auditor.audit(client);
      for (const writer of writers) writer.resync(keys, leases);
    }
    await auditAll(member, auditor, watches, random);
    console.log(`${auditor.acknowledgedCount} writes were answered, seed ${seed}`);
    expect(auditor.acknowledgedCount).toBeGreaterThan(kills * 20);
  });
});

/** What clients saw on their way, and what the member has of its past. */
async function auditAll(
  member: TestMember,
  auditor: Auditor,
  watches: readonly ResumingWatch[],
  random: Prng,
): Promise<void> {
  const { history, revision } = auditor;
  using client = new TestClient(member.url);
  const [everything, some] = watches;
  for (const watch of watches) watch.resume(client);
  await everything?.reach(revision);
  // Its first key is the writer's name, so what it had to see is known.
  const own = history.filter(({ key }) => key.startsWith('w0/'));
  await some?.reach(own.at(-1)?.revision ?? 0);
  for (const watch of watches) await watch.close();
  expect(watches.flatMap(({ violations }) => violations)).toEqual([]);
  expect(everything?.events).toEqual(history);
  expect(some?.events).toEqual(own);

  const replay = new ResumingWatch({ key: '\0', rangeEnd: '\0' }, 2);
  replay.resume(client);
  await replay.reach(revision);
  await replay.close();
  expect(replay.events).toEqual(history);
  await auditPast(client, auditor, random);

  const before = [await hashOf(client, 0), await hashOf(client, Math.floor(revision / 2))];
  await member.kill();
  await member.restart();
  using again = new TestClient(member.url);
  expect([await hashOf(again, 0), await hashOf(again, Math.floor(revision / 2))]).toEqual(before);
}

/** Reads at some revisions of the past, which must show what was there then. */
async function auditPast(client: TestClient, auditor: Auditor, random: Prng): Promise<void> {
  const model = new Model();
  for (const events of Map.groupBy(auditor.history, (event) => event.revision).values()) {
    model.apply(events[0]?.revision ?? 0, events);
    if (!random.chance(50 / auditor.revision)) continue;
    const { keys } = await observe(client, model.revision);
    expect(keys).toEqual(model.state());
  }
}
