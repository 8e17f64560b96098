import type { KeyValue, WatchEvent } from '@kvorum/client';
import { ProtoWriter } from '../../codec/proto-writer.ts';

/** What a watcher wants to see of each event, and which events: ways to encode a batch, 0 to 7. */
export interface EventView {
  /** What was there before, too. */
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
}

/** Tag of an event in a WatchResponse. */
const EVENT_TAG = 0x5a;

const eventWriter = new ProtoWriter(4096);
const keyValueWriter = new ProtoWriter(4096);

/** One event as it stands in a response. */
interface EncodedEvent {
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** Events of whole revisions, encoded once for all watchers that want the same of them. */
export class EventBatch {
  /** The last revision that it has. */
  readonly revision: number;
  /** The first one. */
  readonly firstRevision: number;
  readonly #events: readonly WatchEvent[];
  readonly #strip: (key: Uint8Array) => Uint8Array;
  readonly #encoded = new Map<number, readonly EncodedEvent[]>();
  readonly #bodies = new Map<number, Uint8Array>();

  /** `strip` makes of a member's key that of the client. There is at least one event. */
  constructor(
    revision: number,
    events: readonly WatchEvent[],
    strip: (key: Uint8Array) => Uint8Array,
  ) {
    this.revision = revision;
    this.firstRevision = Number(events[0]?.entry.modRevision ?? revision);
    this.#events = events;
    this.#strip = strip;
  }

  /** The events from a revision on as they stand in a response; empty where the view has none of them. */
  body(view: EventView, fromRevision: number): Uint8Array {
    if (fromRevision > this.firstRevision) return Buffer.concat(this.#from(view, fromRevision));
    const key = keyOf(view);
    let body = this.#bodies.get(key);
    if (body === undefined) {
      body = Buffer.concat(this.#from(view, 0));
      this.#bodies.set(key, body);
    }
    return body;
  }

  /** The same in pieces of at most so many bytes, where events are not larger by themselves; at least one piece. */
  pieces(view: EventView, fromRevision: number, maxBytes: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let piece: Uint8Array[] = [];
    let size = 0;
    for (const bytes of this.#from(view, fromRevision)) {
      if (size + bytes.length > maxBytes && piece.length > 0) {
        pieces.push(Buffer.concat(piece));
        piece = [];
        size = 0;
      }
      piece.push(bytes);
      size += bytes.length;
    }
    return [...pieces, Buffer.concat(piece)];
  }

  #from(view: EventView, fromRevision: number): Uint8Array[] {
    const all = this.#encodedFor(view);
    const wanted =
      fromRevision > this.firstRevision
        ? all.filter(({ revision }) => revision >= fromRevision)
        : all;
    return wanted.map(({ bytes }) => bytes);
  }

  #encodedFor(view: EventView): readonly EncodedEvent[] {
    const key = keyOf(view);
    let encoded = this.#encoded.get(key);
    if (encoded === undefined) {
      const { noPut, noDelete, prevKv } = view;
      encoded = this.#events
        .filter(({ type }) => (type === 'put' ? !noPut : !noDelete))
        .map((event) => this.#encode(event, prevKv));
      this.#encoded.set(key, encoded);
    }
    return encoded;
  }

  #encode({ type, entry, previous }: WatchEvent, prevKv: boolean): EncodedEvent {
    if (type === 'delete') eventWriter.tag(0x08).uint(1);
    eventWriter.bytes(0x12, this.#encodeKeyValue(entry));
    if (prevKv && previous !== undefined) eventWriter.bytes(0x1a, this.#encodeKeyValue(previous));
    const event = eventWriter.take();
    return {
      revision: Number(entry.modRevision),
      bytes: eventWriter.bytes(EVENT_TAG, event).take(),
    };
  }

  #encodeKeyValue(kv: KeyValue): Uint8Array {
    const writer = keyValueWriter.bytes(0x0a, this.#strip(kv.key));
    if (kv.createRevision !== 0n) writer.tag(0x10).int64(kv.createRevision);
    if (kv.modRevision !== 0n) writer.tag(0x18).int64(kv.modRevision);
    if (kv.version !== 0n) writer.tag(0x20).int64(kv.version);
    if (kv.value.length > 0) writer.bytes(0x2a, kv.value);
    if (kv.lease !== 0n) writer.tag(0x30).int64(kv.lease);
    return writer.take();
  }
}

function keyOf({ prevKv, noPut, noDelete }: EventView): number {
  return (prevKv ? 1 : 0) + (noPut ? 2 : 0) + (noDelete ? 4 : 0);
}
