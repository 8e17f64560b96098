import { crc32c } from './crc32c.ts';
import type { DiskFile } from './disk.ts';
import { CRC, FRAME_HEAD_SIZE, METADATA, SECTOR_SIZE, SNAPSHOT } from './record.ts';

/** Bytes read at a time. Records alias the block they came from, so it is also what one kept record pins. */
const BLOCK_SIZE = 256 * 1024;

/** A record's fields before its data take at most this many bytes. */
const MAX_RECORD_HEAD_SIZE = 2 + 6 + 6;

const CUT_SHORT = 'record is cut short';

const NOTHING = new Uint8Array(0);

/** Why reading stopped before the end of the log. */
export interface Damage {
  /** Where the frame begins that does not read; all before it is sound. */
  readonly offset: number;
  readonly reason: string;
  /**
   * Whether the frame looks like one that a crash interrupted: a sector of it never reached the disk (it is
   * still zero, or beyond the end of the file), and what did reach it is consistent.
   */
  readonly unfinished: boolean;
}

/** Reads the frames of one segment, front to back, and checks the rolling checksum. Never allocates more
 * than the file holds, whatever its lengths claim. */
export class SegmentReader {
  /** Of the record that `next` found: its type, its data (aliases the reader's block; never overwritten). */
  type = 0;
  data: Uint8Array = NOTHING;
  /** Where that record's frame begins. */
  offset = 0;
  /** Where the next frame begins: the end of what is sound. */
  end = 0;
  /** The rolling checksum at `end`; NaN until a first crc record has told it. */
  crc: number;
  /** Set when `next` returned "damaged". */
  damage: Damage | null = null;

  readonly #file: DiskFile;
  readonly #size: number;
  #block = NOTHING;
  #blockStart = 0;
  // The record's head as `#readHead` found it.
  #recordCrc = 0;
  #dataStart = 0;
  #dataSize = 0;

  constructor(file: DiskFile, crc: number) {
    this.#file = file;
    this.#size = file.size();
    this.crc = crc;
  }

  /** Bytes of the file, as it was when the reader was made. */
  get size(): number {
    return this.#size;
  }

  /** Reads one frame: "end" is a head of zeros or the end of the file. */
  next(): 'record' | 'end' | 'damaged' {
    this.offset = this.end;
    const left = this.#size - this.offset;
    if (left === 0) return 'end';
    if (left < FRAME_HEAD_SIZE) return this.#readStub(left);
    let at = this.#window(this.offset, FRAME_HEAD_SIZE);
    const low = uint32At(this.#block, at);
    const high = uint32At(this.#block, at + 4);
    if (low === 0 && high === 0) return 'end';

    const recordSize = low + (high & 0xff_ffff) * 2 ** 32;
    const pad = -low & 7;
    if (high >>> 24 !== (pad === 0 ? 0 : 0x80 | pad)) return this.#fail('bad length field', false);
    const frameSize = FRAME_HEAD_SIZE + recordSize + pad;
    const here = Math.min(frameSize, left);
    const headHere = Math.min(here - FRAME_HEAD_SIZE, MAX_RECORD_HEAD_SIZE);
    at = this.#window(this.offset, FRAME_HEAD_SIZE + headHere) + FRAME_HEAD_SIZE;
    const flaw = this.#readHead(at, headHere, recordSize);
    if (flaw !== '') {
      // The head is whole or zero: a head that is neither was not torn but altered.
      const lost = flaw === CUT_SHORT && frameSize > left;
      return this.#fail(flaw, lost || this.#hasZeroSector(headHere));
    }
    if (frameSize > left) return this.#fail('record reaches beyond the end of the file', true);

    at = this.#window(this.offset, frameSize);
    const start = at + this.#dataStart;
    this.data = this.#block.subarray(start, start + this.#dataSize);
    return this.#check(frameSize, at + FRAME_HEAD_SIZE + recordSize, pad);
  }

  /** Compares a complete record with the checksum and with the format's rules. */
  #check(frameSize: number, padStart: number, pad: number): 'record' | 'damaged' {
    const crc = this.type === CRC ? this.crc : crc32c(this.crc, this.data);
    if (
      this.type === CRC ? !Number.isNaN(crc) && crc !== this.#recordCrc : crc !== this.#recordCrc
    ) {
      return this.#fail('checksum mismatch', this.#hasZeroSector(frameSize - FRAME_HEAD_SIZE));
    }
    for (let i = 0; i < pad; i++) {
      if (this.#block[padStart + i] !== 0) return this.#fail('padding is not zero', false);
    }
    this.crc = this.#recordCrc;
    this.end = this.offset + frameSize;
    return 'record';
  }

  /**
   * Parses type, crc and size of the data, of which `available` bytes are there; returns what is wrong, or
   * "". The size must agree with the frame's: that tells a flipped length from an interrupted write.
   */
  #readHead(start: number, available: number, recordSize: number): string {
    const block = this.#block;
    if (recordSize < 4 || available < 4) return CUT_SHORT;
    this.type = block[start + 1] as number;
    if (block[start] !== 0x08 || block[start + 2] !== 0x10) return 'not a record';
    const end = start + available;
    let at = start + 3;
    let crc = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= end) return CUT_SHORT;
      if (scale > 2 ** 28) return 'not a record';
      const byte = block[at++] as number;
      crc += (byte & 127) * scale;
      if (byte < 0x80) break;
    }
    if (crc > 0xffff_ffff) return 'not a record';
    this.#recordCrc = crc;
    if (this.type < METADATA || this.type > SNAPSHOT) return `unknown record type ${this.type}`;
    let dataSize = 0;
    if (at - start < recordSize) {
      if (at >= end) return CUT_SHORT;
      if (block[at++] !== 0x1a) return 'not a record';
      for (let scale = 1; ; scale *= 128) {
        if (at >= end) return CUT_SHORT;
        if (scale > 2 ** 28) return 'not a record';
        const byte = block[at++] as number;
        dataSize += (byte & 127) * scale;
        if (byte < 0x80) break;
      }
      if (this.type === CRC) return 'crc record with data';
    }
    if (at - start + dataSize !== recordSize) return 'lengths contradict each other';
    this.#dataStart = FRAME_HEAD_SIZE + at - start;
    this.#dataSize = dataSize;
    return '';
  }

  /** Fewer bytes are left than a frame's head has: harmless if they are zero. */
  #readStub(left: number): 'end' | 'damaged' {
    const at = this.#window(this.offset, left);
    for (let i = 0; i < left; i++) {
      if (this.#block[at + i] !== 0) return this.#fail('length field is cut short', true);
    }
    return 'end';
  }

  /**
   * Whether, of `size` bytes behind the frame's head, the part in some sector is all zero: that sector was
   * not written before the crash (etcd calls such an entry torn and reasons the same).
   */
  #hasZeroSector(size: number): boolean {
    const from = this.offset + FRAME_HEAD_SIZE;
    const stop = Math.min(from + size, this.#size);
    let at = this.#window(this.offset, stop - this.offset) + FRAME_HEAD_SIZE;
    for (let position = from; position < stop; ) {
      const sectorEnd = Math.min(position - (position % SECTOR_SIZE) + SECTOR_SIZE, stop);
      let zero = true;
      for (; position < sectorEnd; position++) if (this.#block[at++] !== 0) zero = false;
      if (zero) return true;
    }
    return false;
  }

  #fail(reason: string, unfinished: boolean): 'damaged' {
    this.damage = { offset: this.offset, reason, unfinished };
    return 'damaged';
  }

  /** Makes [offset, offset + size) of the file readable; returns where it begins in the block. */
  #window(offset: number, size: number): number {
    const at = offset - this.#blockStart;
    if (at >= 0 && at + size <= this.#block.length) return at;
    const wanted = Math.min(Math.max(size, BLOCK_SIZE), this.#size - offset);
    const block = new Uint8Array(wanted);
    const got = this.#file.read(block, offset);
    // A file that shrinks while it is read shows as zeros.
    if (got < wanted) block.fill(0, got);
    this.#block = block;
    this.#blockStart = offset;
    return 0;
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
  return (low | (high << 16)) >>> 0;
}
