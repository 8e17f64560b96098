import { expect, it } from 'vitest';
import { clientPreface } from '../frames.ts';
import type { CallError } from '../grpc/call-status.ts';
import { GrpcClient } from '../grpc/client.ts';
import { FramePeer, ManualClock, memoryDuplexPair } from '../testing/index.ts';
import { type ServerSequence, serverSequenceOf } from './testing/server-traffic.ts';
import { burstsOf } from './testing/wire-item.ts';

/** KVORUM_H2_FUZZ_SEED plays one sequence again. */
const replayed = process.env.KVORUM_H2_FUZZ_SEED;
const runs = Number(process.env.KVORUM_H2_CLIENT_FUZZ_RUNS ?? 20_000);

/** What a call came to: its reply, or the status that it failed with. */
type CallOutcome = Buffer | number;

/** Lets a client make calls, answers them with the sequence, and hangs up. */
async function play(sequence: ServerSequence): Promise<CallOutcome[]> {
  const [near, far] = memoryDuplexPair();
  const server = new FramePeer(near, clientPreface.length);
  let dialled = 0;
  const client = new GrpcClient({
    dial: async () => {
      dialled += 1;
      if (dialled > 1) throw new Error('there is one connection');
      return far;
    },
    authority: 'test',
    clock: new ManualClock(),
    random: () => 0.5,
  });
  const calls = Array.from({ length: sequence.calls }, () =>
    client.unary('/test.Echo/Unary', Buffer.from('x')).then(
      (reply): CallOutcome => Buffer.from(reply),
      (error: CallError): CallOutcome => error.callStatus.status,
    ),
  );
  const [first, ...others] = burstsOf(sequence.items, false);
  if (first !== undefined) server.write(first);
  for (const burst of others) {
    await new Promise((resolve) => setImmediate(resolve));
    server.write(burst);
  }
  // It has read everything when nothing has moved for some turns.
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
  server.hangUp();
  client.close();
  return await Promise.all(calls);
}

it('a client takes what any server sends: right answers as they are, and of wrong ones no harm', async () => {
  const seeds =
    replayed === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(replayed)];
  let valid = 0;
  let failed = 0;
  for (const seed of seeds) {
    const sequence = serverSequenceOf(seed);
    const outcomes = await play(sequence);
    const hint = `KVORUM_H2_FUZZ_SEED=${seed}`;
    for (const outcome of outcomes) {
      if (typeof outcome === 'number') expect(outcome, hint).toBeGreaterThan(0);
    }
    if (sequence.isValid) expect(outcomes, hint).toEqual(sequence.outcomes);
    if (sequence.isValid) valid += 1;
    else if (outcomes.some((outcome) => typeof outcome === 'number')) failed += 1;
  }
  console.info(`a client had ${seeds.length} servers: ${valid} in order, ${failed} failed calls`);
  if (replayed === undefined) expect(Math.min(valid, failed)).toBeGreaterThan(runs / 10);
}, 600_000);

it('an answer that is cut off is never taken for a whole one', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const sequence = serverSequenceOf(seed);
    if (!sequence.isValid) continue;
    const items = sequence.items.slice(0, -1);
    const outcomes = await play({ ...sequence, items });
    outcomes.forEach((outcome, i) => {
      if (typeof outcome !== 'number') expect(outcome).toEqual(sequence.outcomes[i]);
    });
  }
}, 60_000);
