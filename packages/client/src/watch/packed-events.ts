import type { KeyValueFields } from '../key-value.ts';
import { readKeyValue } from '../wire/read-key-value.ts';
import { delimited, varint, type WireReader } from '../wire/wire-reader.ts';

/** What an `Event` says. Keys and values are views of the answer's bytes. */
export interface EventFields {
  readonly isDelete: boolean;
  readonly kv: KeyValueFields;
  readonly prevKv: KeyValueFields | undefined;
}

/** Events in order, as arrays have them; each may be made when it is asked for. */
export interface EventList<T> {
  readonly length: number;
  /** Undefined from `length` on. */
  at(index: number): T | undefined;
}

const noKeyValue: KeyValueFields = {
  key: new Uint8Array(0),
  value: new Uint8Array(0),
  createRevision: 0n,
  modRevision: 0n,
  version: 0n,
  lease: 0n,
};
const deletion = 1;

/**
 * The events of an answer in the bytes that they came in. An answer has hundreds where much happens: read one by one,
 * when the reader gets to them, they are gone before the collector of garbage looks; read all at once, it copies them.
 */
export class PackedEvents implements EventList<EventFields> {
  readonly #reader: WireReader;
  /** Of all events, where each begins and ends, in turns. */
  readonly #bounds: readonly number[];

  /** `reader` is no one else's any more. */
  constructor(reader: WireReader, bounds: readonly number[]) {
    this.#reader = reader;
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#bounds.length >> 1;
  }

  /** Throws `ClientError` "unmapped" where there is no event. */
  at(index: number): EventFields | undefined {
    const start = this.#bounds[2 * index];
    const end = this.#bounds[2 * index + 1];
    if (start === undefined || end === undefined) return undefined;
    this.#reader.seek(start);
    return readEvent(this.#reader, end);
  }
}

function readEvent(reader: WireReader, end: number): EventFields {
  let isDelete = false;
  let kv = noKeyValue;
  let prevKv: KeyValueFields | undefined;
  while (!reader.isAtEnd(end)) {
    switch (reader.tag()) {
      case (1 << 3) | varint:
        isDelete = reader.number() === deletion;
        break;
      case (2 << 3) | delimited:
        kv = readKeyValue(reader, reader.end());
        break;
      case (3 << 3) | delimited:
        prevKv = readKeyValue(reader, reader.end());
        break;
      default:
        reader.skip();
    }
  }
  return { isDelete, kv, prevKv };
}
