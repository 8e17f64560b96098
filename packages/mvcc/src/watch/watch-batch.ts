import { varintSize, writeVarint } from '../key-value.ts';
import type { StoreEvent } from '../store-event.ts';

// WatchResponse.events = 11; mvccpb.Event: type = 1 (PUT = 0 is left out), kv = 2, prev_kv = 3.
const TAG_EVENTS = 0x5a;
const TAG_TYPE = 0x08;
const TYPE_DELETE = 1;
const TAG_KV = 0x12;
const TAG_PREV_KV = 0x1a;

/**
 * Events for one watcher, encoded once and shared by all watchers that get the same ones: frozen, and
 * free of references into the store, so that a receiver may keep it as long as it likes.
 */
export class WatchBatch {
  /** Main revision of the first and of the last event. */
  readonly firstRevision: number;
  readonly lastRevision: number;
  /**
   * Every event up to this revision that the watcher asked for is in this batch or an earlier one.
   * At least `lastRevision`.
   */
  readonly headerRevision: number;
  readonly eventCount: number;
  /** The events as they stand in a WatchResponse: for each, tag 0x5a, length, mvccpb.Event. */
  readonly body: Uint8Array;

  constructor(
    events: readonly StoreEvent[],
    previous: readonly (Uint8Array | undefined)[] | undefined,
    headerRevision: number,
  ) {
    this.firstRevision = events[0]?.main ?? headerRevision;
    this.lastRevision = events[events.length - 1]?.main ?? headerRevision;
    this.headerRevision = headerRevision;
    this.eventCount = events.length;
    this.body = encodeEvents(events, previous);
  }

  /**
   * Cuts the body between events into parts of at most `maxBytes`; an event that is larger stands alone.
   * The parts are views of `body`, in order, and make it up when they are put together.
   */
  split(maxBytes: number): Uint8Array[] {
    const { body } = this;
    if (body.length <= maxBytes) return [body];
    const parts: Uint8Array[] = [];
    let start = 0;
    let end = 0;
    while (end < body.length) {
      const next = eventEnd(body, end);
      if (next - start > maxBytes && end > start) {
        parts.push(body.subarray(start, end));
        start = end;
      }
      end = next;
    }
    parts.push(body.subarray(start, end));
    return parts;
  }
}

/**
 * Encodes events one after the other. `previous` holds the wire of what each event replaced, under the
 * same index; left out for watchers that did not ask for it.
 */
function encodeEvents(
  events: readonly StoreEvent[],
  previous: readonly (Uint8Array | undefined)[] | undefined,
): Uint8Array {
  let totalBytes = 0;
  for (let i = 0; i < events.length; i += 1) {
    const event = events[i];
    if (event === undefined) continue;
    const bytes = eventSize(event, previous?.[i]);
    totalBytes += 1 + varintSize(bytes) + bytes;
  }
  const body = Buffer.allocUnsafe(totalBytes);
  let at = 0;
  for (let i = 0; i < events.length; i += 1) {
    const event = events[i];
    if (event === undefined) continue;
    const prev = previous?.[i];
    body[at] = TAG_EVENTS;
    at = writeVarint(body, at + 1, eventSize(event, prev));
    if (event.deleted) {
      body[at] = TAG_TYPE;
      body[at + 1] = TYPE_DELETE;
      at += 2;
    }
    at = writeBytes(body, at, TAG_KV, event.kv);
    if (prev !== undefined) at = writeBytes(body, at, TAG_PREV_KV, prev);
  }
  return body;
}

function eventSize(event: StoreEvent, prev: Uint8Array | undefined): number {
  let bytes = 1 + varintSize(event.kv.length) + event.kv.length;
  if (event.deleted) bytes += 2;
  if (prev !== undefined) bytes += 1 + varintSize(prev.length) + prev.length;
  return bytes;
}

function writeBytes(body: Buffer, at: number, tag: number, bytes: Uint8Array): number {
  body[at] = tag;
  const start = writeVarint(body, at + 1, bytes.length);
  body.set(bytes, start);
  return start + bytes.length;
}

/** Index behind the event that starts at `at`, where its tag stands. */
function eventEnd(body: Uint8Array, at: number): number {
  let bytes = 0;
  let shift = 0;
  let next = at + 1;
  for (;;) {
    const byte = body[next] ?? 0;
    next += 1;
    bytes |= (byte & 0x7f) << shift;
    if (byte < 0x80) return next + bytes;
    shift += 7;
  }
}
