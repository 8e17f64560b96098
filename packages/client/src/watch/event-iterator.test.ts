import { create, toBinary } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '@kvorum/api';
import { expect, it } from 'vitest';
import { Keyspace } from '../keyspace.ts';
import { EventIterator } from './event-iterator.ts';
import { readWatchAnswer } from './watch-answer.ts';
import { ReadEvents, type SourceBatch } from './watch-event.ts';

const encoder = new TextEncoder();
const keyspace = new Keyspace(new Uint8Array(0));

function answerOf(keys: readonly string[]): Uint8Array {
  const events = keys.map((key, at) => ({
    kv: { key: encoder.encode(key), modRevision: BigInt(at + 1) },
  }));
  return toBinary(WatchResponseSchema, create(WatchResponseSchema, { events }));
}

function batchOf(answer: Uint8Array): SourceBatch {
  return { revision: 1n, events: new ReadEvents(readWatchAnswer(answer).events, keyspace) };
}

/** Reads batches of answers until they, or what is in them, ends. */
function iterate(answers: readonly Uint8Array[]) {
  const waiting = answers.map(batchOf);
  let closed = 0;
  const iterator = new EventIterator(
    () => Promise.resolve(closed === 0 ? waiting.shift() : undefined),
    () => {
      closed++;
    },
  );
  return { iterator, closed: () => closed };
}

it('gives the events of all batches, and passes over empty ones', async () => {
  const { iterator } = iterate([answerOf(['a', 'b']), answerOf([]), answerOf(['c'])]);
  const seen: string[] = [];
  for await (const { entry } of iterator) seen.push(entry.keyString());
  expect(seen).toEqual(['a', 'b', 'c']);
});

it('gives nothing more to a reader that has left', async () => {
  const { iterator, closed } = iterate([answerOf(['a', 'b'])]);
  for await (const _event of iterator) break;
  expect(closed()).toBe(1);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});

it('gives what is before a malformed event, then the error, then the end', async () => {
  const answer = answerOf(['a', 'b', 'c']);
  // The tag of the second key: a field of a wire type that protobuf does not have.
  answer[answer.indexOf('b'.charCodeAt(0)) - 2] = 0x0f;
  const { iterator, closed } = iterate([answer]);
  expect((await iterator.next()).value?.entry.keyString()).toBe('a');
  await expect(iterator.next()).rejects.toMatchObject({ code: 'unmapped' });
  expect(closed()).toBe(1);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});
