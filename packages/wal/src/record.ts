// The record format, etcd's to the byte (etcd: server/storage/wal/encoder.go, walpb/record.proto).
//
//   segment   | frame | frame | frame | ... | zeros (preallocated) |        64,000,000 bytes, more if a batch overruns
//
//   frame     0              7   8                    8 + n            8 + n + pad
//             | n, 56 bits LE| flag | record, n bytes | pad zero bytes |    pad: 0..7, up to a multiple of 8
//             flag: 0 when pad is 0, else 0x80 | pad
//
//   record    | 08 type | 10 crc (varint) | 1a size (varint), data |       protobuf walpb.Record; data may be absent
//
// `crc` is the CRC-32C of all data in the segment up to and with this record, started from the value that the
// segment's first record (type crc, no data) carries: the last crc of the segment before, 0 in the first one. So
// a checksum covers the whole chain of files, and a segment that was swapped or lost shows.
//
//   first segment   crc(0)  metadata  snapshot(index 0)  ...
//   later ones      crc(chain)  metadata  state (the latest, if there was one)  ...
//
// Frames begin at multiples of 8, so a frame's head never straddles two 512-byte sectors. A frame head of eight
// zero bytes is the end of the log.

import { WalError } from './errors.ts';

export const METADATA = 1;
export const ENTRY = 2;
export const STATE = 3;
export const CRC = 4;
export const SNAPSHOT = 5;

/** Bytes of a frame's length field. */
export const FRAME_HEAD_SIZE = 8;

/**
 * Most bytes a record's data may have: 512 MiB. A raft entry is a few MiB at most; the limit keeps sizes
 * far from what a buffer can hold.
 */
export const MAX_DATA_SIZE = 512 * 1024 * 1024;

/** Most bytes of a frame that are not data: length field, type, crc, size of the data, padding. */
export const MAX_OVERHEAD_SIZE = FRAME_HEAD_SIZE + 2 + 6 + 6 + 7;

/** What a disk writes whole or not at all; the grain in which a crash tears writes. */
export const SECTOR_SIZE = 512;

/** One thing to remember. The log does not look into `data`, but for the index (`indexIn`). */
export type WalRecord = EntryRecord | StateRecord | SnapshotRecord;

/** A log entry: an encoded raftpb.Entry. A later entry with an index that was there replaces it and what followed. */
export interface EntryRecord {
  readonly type: 'entry';
  /** The index that `data` holds in field 3; it names segments and decides what `release` may delete. */
  readonly index: number;
  readonly data: Uint8Array;
}

/** What a member must not forget: an encoded raftpb.HardState. The latest counts. */
export interface StateRecord {
  readonly type: 'state';
  readonly data: Uint8Array;
}

/** Says that entries up to `index` are in a snapshot: an encoded walpb.Snapshot. */
export interface SnapshotRecord {
  readonly type: 'snapshot';
  /** The index that `data` holds in field 1. */
  readonly index: number;
  readonly data: Uint8Array;
}

/** Field of raftpb.Entry, and of walpb.Snapshot, that holds the index. */
export const ENTRY_INDEX_FIELD = 3;
export const SNAPSHOT_INDEX_FIELD = 1;

/** The walpb.Snapshot for index 0 and term 0, which opens every log. */
export const FIRST_SNAPSHOT = Uint8Array.of(0x08, 0, 0x10, 0);

/**
 * Reads an unsigned field from the top level of a protobuf message, without decoding the rest. An absent field
 * is 0, as protobuf says.
 *
 * Throws `WalError` "corrupt" when the bytes are not a message or the number is no safe integer.
 */
export function indexIn(data: Uint8Array, field: number): number {
  let at = 0;
  while (at < data.length) {
    const tag = data[at++] as number;
    if (tag >= 0x80) break; // Fields from 16 on come after every index.
    const wireType = tag & 7;
    let value = 0;
    let scale = 1;
    let byte = 0x80;
    while (byte >= 0x80) {
      if (at >= data.length || scale > 2 ** 63) throw notAMessage();
      byte = data[at++] as number;
      value += (byte & 127) * scale;
      scale *= 128;
    }
    if (wireType === 0) {
      if (tag >>> 3 !== field) continue;
      if (!Number.isSafeInteger(value)) throw notAMessage();
      return value;
    }
    if (wireType !== 2) throw notAMessage();
    at += value;
  }
  return 0;
}

function notAMessage(): WalError {
  return new WalError('corrupt', 'record holds no message with an index');
}
