import { describe, expect, it } from 'vitest';
import { type MemberOptions, startEtcd, startKvorum } from '../framework/member.ts';
import { chooseSeed, Prng } from '../framework/prng.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { type Call, describeCall } from './call.ts';
import { CallGenerator, maxTxnOps } from './generate.ts';
import { Mismatch, Pair } from './pair.ts';
import { shrink } from './shrink.ts';

// Random calls go to the real etcd and to Kvorum, and every answer, refusal and event must be the same. A failing
// sequence is run again on fresh members, shortened and shown.

const real = realEtcd('3.5');
const seed = chooseSeed();

/** Sequences and calls in each. KVORUM_SEQUENCES asks for more or fewer. */
const sequenceCount = Number(process.env.KVORUM_SEQUENCES ?? 50);
const callsPerSequence = 220;
const shrinkAttempts = 60;

const options: MemberOptions = { flags: [`--max-txn-ops=${maxTxnOps}`] };

async function withFreshPair<T>(etcd: RealEtcd, use: (pair: Pair) => Promise<T>): Promise<T> {
  await using theirs = await startEtcd(etcd, options);
  await using ours = await startKvorum(options);
  await using pair = await Pair.connect(theirs.url, ours.url);
  return await use(pair);
}

function mismatchOf(etcd: RealEtcd, calls: readonly Call[]): Promise<Mismatch | undefined> {
  return withFreshPair(etcd, async (pair) => {
    try {
      await pair.run(calls);
      return undefined;
    } catch (error) {
      if (error instanceof Mismatch) return error;
      throw error;
    }
  });
}

/** The failure of a sequence with the shortest sequence that shows it. */
async function explain(etcd: RealEtcd, calls: readonly Call[], first: Mismatch): Promise<Error> {
  const note = `seed ${seed}`;
  if ((await mismatchOf(etcd, calls)) === undefined) {
    return new Error(`${first.message}\n${note}; fresh members agree on this sequence`);
  }
  const fails = async (some: readonly Call[]) => (await mismatchOf(etcd, some)) !== undefined;
  const shortest = await shrink(calls, fails, shrinkAttempts);
  const last = (await mismatchOf(etcd, shortest)) ?? first;
  const story = shortest.map(describeCall).join('\n  ');
  return new Error(`${last.message}\n${note}; on fresh members after\n  ${story}`);
}

describe.skipIf(real === undefined)('random calls to the real etcd and to Kvorum', () => {
  it(`get equal answers (seed ${seed})`, { timeout: 300_000 }, async () => {
    if (real === undefined) return;
    const generator = new CallGenerator(new Prng(seed));
    const calls = await withFreshPair(real, async (pair) => {
      for (let sequence = 0; sequence < sequenceCount; sequence++) {
        const calls = Array.from({ length: callsPerSequence }, () => generator.next());
        try {
          await pair.run(calls);
          await pair.clear();
        } catch (error) {
          if (error instanceof Mismatch) throw await explain(real, calls, error);
          throw error;
        }
      }
      return pair.calls;
    });
    console.log(`compared ${calls} calls with seed ${seed}`);
    expect(calls).toBeGreaterThanOrEqual(sequenceCount * 200);
  });
});
