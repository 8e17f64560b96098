import type { KeyValue } from '../key-value.ts';
import type { Keyspace } from '../keyspace.ts';
import type { EventFields, EventList } from './packed-events.ts';

/** A change of one key. */
export interface WatchEvent {
  readonly type: 'put' | 'delete';
  /** What is there now; of a deleted key nothing but the key and, as its `modRevision`, when it was deleted. */
  readonly entry: KeyValue;
  /** With `previous`: what was there before, unless the key is new or that was compacted away. */
  readonly previous: KeyValue | undefined;
  /**
   * True when this was found out by reading everything anew, see `onCompaction`: the key differs from what the reader
   * was told last, and what was in between is lost.
   */
  readonly isSynthetic: boolean;
}

/** Changes of whole revisions, in order: a transaction's are never torn apart. */
export interface WatchBatch {
  /** The reader now knows all that has happened up to this revision. */
  readonly revision: bigint;
  /** May be empty, when the watch was asked for its progress. */
  readonly events: readonly WatchEvent[];
}

/** Events as they wait for the reader. */
export interface QueuedBatch {
  readonly revision: bigint;
  readonly events: EventList<EventFields>;
  readonly bytes: number;
}

/** A batch whose events are made one by one, for a reader that takes them so. */
export interface SourceBatch {
  readonly revision: bigint;
  readonly events: EventList<WatchEvent>;
}

/** What a batch costs in memory besides the answer that it came in, in bytes; about. */
const batchOverheadBytes = 256;

/** `answerBytes` is the length of the answer that the events came in, which they keep. */
export function queuedBatch(
  revision: bigint,
  events: EventList<EventFields>,
  answerBytes: number,
): QueuedBatch {
  return { revision, events, bytes: batchOverheadBytes + answerBytes };
}

/** The events of a queued batch as the user gets them. */
export class ReadEvents implements EventList<WatchEvent> {
  readonly #events: EventList<EventFields>;
  readonly #keyspace: Keyspace;

  constructor(events: EventList<EventFields>, keyspace: Keyspace) {
    this.#events = events;
    this.#keyspace = keyspace;
  }

  get length(): number {
    return this.#events.length;
  }

  at(index: number): WatchEvent | undefined {
    const event = this.#events.at(index);
    return event === undefined ? undefined : readEvent(event, this.#keyspace);
  }
}

/** All of them at once. Throws `ClientError` "unmapped" when one is malformed. */
export function listed<T>(events: EventList<T>): readonly T[] {
  const all: T[] = [];
  for (let at = 0; at < events.length; at++) {
    const event = events.at(at);
    if (event !== undefined) all.push(event);
  }
  return all;
}

function readEvent({ isDelete, kv, prevKv }: EventFields, keyspace: Keyspace): WatchEvent {
  return {
    type: isDelete ? 'delete' : 'put',
    entry: keyspace.keyValue(kv),
    previous: prevKv === undefined ? undefined : keyspace.keyValue(prevKv),
    isSynthetic: false,
  };
}
