import { SegmentReader } from './decoder.ts';
import type { Disk, DiskFile } from './disk.ts';
import { WalError } from './errors.ts';
import type { WalRecord } from './record.ts';
import {
  CRC,
  ENTRY,
  ENTRY_INDEX_FIELD,
  indexIn,
  METADATA,
  SNAPSHOT_INDEX_FIELD,
  STATE,
} from './record.ts';
import { findTail, type Tail } from './repair.ts';
import { checkChain, listSegments, positionOf, type Segment } from './segment.ts';

/** What a log holds, from one segment on. */
export interface WalContents {
  /** The bytes given to `create`. */
  readonly metadata: Uint8Array;
  /**
   * Entries, states and snapshots in the order in which they were appended, from the segment that holds
   * `snapshotIndex`: it may begin before that index, and entries may be replaced by later ones. Their data
   * aliases blocks of 256 KiB; copy what is kept long.
   */
  readonly records: WalRecord[];
  /** Data of the latest state record, or null. */
  readonly state: Uint8Array | null;
  /** Index of the last entry, or of a snapshot record above it; 0 in a new log. */
  readonly lastIndex: number;
  /** What a crash left behind the last sound record, or null. */
  readonly torn: TornTail | null;
}

/** An append that a crash interrupted. It was never synced, so nothing that was promised is lost. */
export interface TornTail {
  /** Path of the last segment. */
  readonly file: string;
  /** Where the sound records end. */
  readonly offset: number;
  readonly reason: string;
}

/** A chain as it was read, with what is needed to write on. */
export interface Chain extends WalContents {
  /** Every segment in the folder, also those before the first that was read. */
  readonly segments: Segment[];
  /** Rolling checksum at the end of the last segment. */
  readonly crc: number;
  readonly tail: Tail;
}

/** Reads the segments from the one that holds `snapshotIndex`. Changes nothing. */
export function readChain(disk: Disk, dir: string, snapshotIndex: number): Chain {
  const segments = disk.exists(dir) ? listSegments(disk, dir) : [];
  if (segments.length === 0) throw new WalError('missing', `${dir}: no log there`);
  const first = positionOf(segments, snapshotIndex);
  if (first < 0) {
    const text = `the log begins with ${segments[0]?.name ?? ''}, after index ${snapshotIndex}`;
    throw new WalError('missing', `${dir}: ${text}`);
  }
  const chosen = segments.slice(first);
  checkChain(dir, chosen);
  const reading = new ChainReading(dir, chosen[0] as Segment);
  let tail: Tail | null = null;
  for (const [i, segment] of chosen.entries()) {
    const file = disk.open(`${dir}/${segment.name}`);
    try {
      const last = reading.readSegment(segment, file);
      if (i === chosen.length - 1) tail = findTail(last, file, `${dir}/${segment.name}`);
      else reading.mustBeWhole(last, segment);
    } finally {
      file.close();
    }
  }
  return reading.finish(segments, tail as Tail);
}

/** Collects what the segments hold. */
class ChainReading {
  readonly #dir: string;
  readonly #records: WalRecord[] = [];
  #metadata: Uint8Array | null = null;
  #state: Uint8Array | null = null;
  #lastIndex: number;
  #crc = Number.NaN;

  constructor(dir: string, first: Segment) {
    this.#dir = dir;
    this.#lastIndex = Math.max(0, first.index - 1);
  }

  /** Reads to the end or to the damage; the returned reader tells which. */
  readSegment(segment: Segment, file: DiskFile): SegmentReader {
    const reader = new SegmentReader(file, this.#crc);
    while (reader.next() === 'record') {
      if (reader.offset === 0 && reader.type !== CRC) {
        throw this.#corrupt(segment, 0, 'segment does not begin with a crc record');
      }
      try {
        this.#add(reader.type, reader.data);
      } catch (error) {
        if (!(error instanceof WalError)) throw error;
        throw this.#corrupt(segment, reader.offset, error.message);
      }
    }
    if (reader.end === 0 && reader.damage === null)
      throw this.#corrupt(segment, 0, 'segment is empty');
    this.#crc = reader.crc;
    return reader;
  }

  /** Only the last segment may end in damage: the others were synced before their successor was named. */
  mustBeWhole(reader: SegmentReader, segment: Segment): void {
    const damage = reader.damage;
    if (damage !== null) throw this.#corrupt(segment, damage.offset, damage.reason);
  }

  finish(segments: Segment[], tail: Tail): Chain {
    if (this.#metadata === null) {
      throw this.#corrupt(segments.at(-1) as Segment, tail.offset, 'log has no metadata');
    }
    return {
      metadata: this.#metadata,
      records: this.#records,
      state: this.#state,
      lastIndex: this.#lastIndex,
      torn: tail.torn,
      segments,
      crc: this.#crc,
      tail,
    };
  }

  #add(type: number, data: Uint8Array): void {
    if (type === ENTRY) {
      const index = indexIn(data, ENTRY_INDEX_FIELD);
      this.#records.push({ type: 'entry', index, data });
      this.#lastIndex = index;
    } else if (type === STATE) {
      this.#records.push({ type: 'state', data });
      this.#state = data;
    } else if (type === METADATA) {
      if (this.#metadata !== null && !sameBytes(this.#metadata, data)) {
        throw new WalError('corrupt', 'metadata differs from that of the segment before');
      }
      this.#metadata = data;
    } else if (type !== CRC) {
      const index = indexIn(data, SNAPSHOT_INDEX_FIELD);
      this.#records.push({ type: 'snapshot', index, data });
      this.#lastIndex = Math.max(this.#lastIndex, index);
    }
  }

  #corrupt(segment: Segment, offset: number, reason: string): WalError {
    const file = `${this.#dir}/${segment.name}`;
    return new WalError('corrupt', `${file}: offset ${offset}: ${reason}`, { file, offset });
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
