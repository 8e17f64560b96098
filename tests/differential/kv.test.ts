import type { JsonObject } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { RangeRequest_SortOrder, RangeRequest_SortTarget } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { knownDifference } from '../framework/known-differences.ts';
import { type MemberOptions, startBoth, startKvorum } from '../framework/member.ts';
import { chooseSeed, Prng } from '../framework/prng.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { type Call, describeCall } from './call.ts';
import { CallGenerator, maxTxnOps } from './generate.ts';
import { Pair } from './pair.ts';
import { shrink } from './shrink.ts';

// Random calls go to the real etcd and to Kvorum, and every answer, refusal and event must be the same. A failing
// sequence is run again on fresh members, shortened and shown.

const real = realEtcd('3.5');
const seed = chooseSeed();

/** Sequences and calls in each. KVORUM_SEQUENCES asks for more or fewer. */
const sequenceCount = Number(process.env.KVORUM_SEQUENCES ?? 50);
const callsPerSequence = 220;
/** How long a failing sequence is shortened, in milliseconds. */
const shrinkMs = 120_000;

const options: MemberOptions = { flags: [`--max-txn-ops=${maxTxnOps}`] };

async function withFreshPair<T>(etcd: RealEtcd, use: (pair: Pair) => Promise<T>): Promise<T> {
  await using both = await startBoth(etcd, options);
  await using pair = await Pair.connect(both.etcd.url, both.kvorum.url);
  return await use(pair);
}

/** How a sequence fails on fresh members; undefined when it does not. */
function failureOf(etcd: RealEtcd, calls: readonly Call[]): Promise<Error | undefined> {
  return withFreshPair(etcd, (pair) =>
    pair.run(calls).then(
      () => undefined,
      (error: Error) => error,
    ),
  );
}

/** The failure of a sequence with the shortest sequence that shows it. */
async function explain(etcd: RealEtcd, calls: readonly Call[], first: Error): Promise<Error> {
  const again = await failureOf(etcd, calls);
  if (again === undefined) {
    const message = `seed ${seed}; fresh members agree on this sequence:\n${first.message}`;
    return new Error(message, { cause: first });
  }
  const end = performance.now() + shrinkMs;
  const fails = async (some: readonly Call[]) => (await failureOf(etcd, some)) !== undefined;
  const shortest = await shrink(calls, fails, () => performance.now() < end);
  const last = (await failureOf(etcd, shortest)) ?? again;
  const story = shortest.map(describeCall).join('\n  ');
  const message = `${last.message}\nseed ${seed}; on fresh members after\n  ${story}`;
  return new Error(message, { cause: last.cause });
}

describe.skipIf(real === undefined)('random calls to the real etcd and to Kvorum', () => {
  it(`get equal answers (seed ${seed})`, { timeout: 300_000 }, async () => {
    if (real === undefined) return;
    const generator = new CallGenerator(new Prng(seed));
    const calls = await withFreshPair(real, async (pair) => {
      for (let sequence = 0; sequence < sequenceCount; sequence++) {
        const calls = Array.from({ length: callsPerSequence }, () => generator.next());
        await pair.run(calls).catch(async (error: Error) => {
          throw await explain(real, calls, error);
        });
        await pair.clear();
      }
      return pair.calls;
    });
    console.log(`compared ${calls} calls with seed ${seed}`);
    expect(calls).toBeGreaterThanOrEqual(sequenceCount * 200);
  });

  it('tell of a put and a deletion without an end in one transaction as two events', async () => {
    if (real === undefined) return;
    knownDifference('put-under-open-delete');
    const key = Buffer.from('a').toString('base64');
    const everything = { key, rangeEnd: 'AA==' };
    const put: JsonObject = { requestPut: { key, value: key, prevKv: true } };
    const deletion: JsonObject = { requestDeleteRange: { ...everything, prevKv: true } };
    const txn = (success: JsonObject[]): Call => {
      return { kind: 'unary', method: 'txn', request: { success } };
    };
    const watch: Call = { kind: 'watch', stream: 0, request: { ...everything, prevKv: true } };
    const range: Call = { kind: 'unary', method: 'range', request: everything };
    await withFreshPair(real, async (pair) => {
      await pair.run([watch, txn([put, deletion]), range, txn([deletion, put]), range]);
    });
  });
});

describe('Kvorum alone', () => {
  it('refuses an order it does not know', async () => {
    knownDifference('sort-option');
    await using member = await startKvorum();
    using client = new TestClient(member.url);
    const key = Buffer.from('a');
    // Numbers that no enum of the protocol has.
    const unknown = 9 as typeof RangeRequest_SortOrder.NONE;
    const unknownTarget = 9 as typeof RangeRequest_SortTarget.KEY;
    for (const request of [
      { key, sortOrder: unknown },
      { key, sortTarget: unknownTarget },
    ]) {
      await expect(client.kv.range(request)).rejects.toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: 'etcdserver: invalid sort option',
      });
    }
  });
});
