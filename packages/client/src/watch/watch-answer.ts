import { readRevision } from '../wire/read-key-value.ts';
import { delimited, varint, WireReader } from '../wire/wire-reader.ts';
import { PackedEvents } from './packed-events.ts';

/** What a `WatchResponse` says. */
export interface WatchAnswer {
  /** Of the header. */
  readonly revision: bigint;
  readonly watchId: bigint;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  /** More of the same revision follows. */
  readonly fragment: boolean;
  readonly events: PackedEvents;
  /** Of the whole answer. */
  readonly byteLength: number;
}

/** Reads a serialized `WatchResponse`. Throws `ClientError` "unmapped" for bytes that are none. */
export function readWatchAnswer(bytes: Uint8Array): WatchAnswer {
  const reader = new WireReader(bytes, 'watch');
  const bounds: number[] = [];
  let revision = 0n;
  let watchId = 0n;
  let created = false;
  let canceled = false;
  let compactRevision = 0n;
  let cancelReason = '';
  let fragment = false;
  while (!reader.isAtEnd(bytes.length)) {
    switch (reader.tag()) {
      case (1 << 3) | delimited:
        revision = readRevision(reader, reader.end());
        break;
      case (2 << 3) | varint:
        watchId = reader.int64();
        break;
      case (3 << 3) | varint:
        created = reader.number() !== 0;
        break;
      case (4 << 3) | varint:
        canceled = reader.number() !== 0;
        break;
      case (5 << 3) | varint:
        compactRevision = reader.int64();
        break;
      case (6 << 3) | delimited:
        cancelReason = reader.string();
        break;
      case (7 << 3) | varint:
        fragment = reader.number() !== 0;
        break;
      case (11 << 3) | delimited:
        readBounds(reader, bounds);
        break;
      default:
        reader.skip();
    }
  }
  return {
    revision,
    watchId,
    created,
    canceled,
    compactRevision,
    cancelReason,
    fragment,
    events: new PackedEvents(reader, bounds),
    byteLength: bytes.length,
  };
}

function readBounds(reader: WireReader, bounds: number[]): void {
  const end = reader.end();
  bounds.push(reader.at, end);
  reader.seek(end);
}
