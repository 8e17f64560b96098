import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Slab, SlabPool } from './slab-pool.ts';

/** Bytes from which on a piece is handed on as it is; below, copying beats another entry in a writev. */
const byReferenceBytes = 8 * 1024;

/**
 * What a connection is about to write. Frames are written into `buffer`, at the offsets that `reserve`
 * gives, and everything between two flushes becomes one write to the byte stream.
 */
export class Output {
  /** Where to write what was reserved; changes with `reserve`. */
  buffer: Buffer = noBuffer;
  /**
   * The offset up to which what was reserved last may `grow`: set by `allowGrowth`, and 0 again with whatever
   * follows. Whoever makes a limit tighter calls `endGrowth`.
   */
  #growthEnd = 0;
  readonly #stream: Duplex;
  readonly #pool: SlabPool;
  /** A plain socket is done with what it has written; other streams may keep a reference. */
  readonly #isPlainSocket: boolean;
  #slab: Slab | undefined = undefined;
  /** Slabs that were filled since the last flush. */
  #fullSlabs: Slab[] = [];
  /** Slabs the socket had not done with after a flush, which it tells of by 'drain'. */
  #busySlabs: Slab[] = [];
  /** Begin and end of what is written in the slab but not yet a segment. */
  #from = 0;
  #at = 0;
  #segments: Uint8Array[] = [];
  #segmentBytes = 0;

  constructor(stream: Duplex, pool: SlabPool) {
    this.#stream = stream;
    this.#pool = pool;
    this.#isPlainSocket = stream instanceof Socket && !('encrypted' in stream);
  }

  /** Makes room for `bytes` in one piece, behind all that was written; returns their offset. */
  reserve(bytes: number): number {
    if (this.buffer.length - this.#at < bytes) this.#nextSlab(bytes);
    const at = this.#at;
    this.#at = at + bytes;
    this.#growthEnd = 0;
    return at;
  }

  /** Bytes written here since the last flush. */
  get pendingBytes(): number {
    return this.#segmentBytes + this.#at - this.#from;
  }

  /** Lets what was reserved last `grow`, by fewer than so many bytes and no further than the buffer goes. */
  allowGrowth(bytes: number): void {
    this.#growthEnd = Math.min(this.buffer.length, this.#at + bytes);
  }

  /** What was reserved last is complete. */
  endGrowth(): void {
    this.#growthEnd = 0;
  }

  /** More bytes right behind what was reserved last, if they are allowed; returns their offset, else -1. */
  grow(bytes: number): number {
    const at = this.#at;
    const end = at + bytes;
    if (end >= this.#growthEnd) return -1;
    this.#at = end;
    return at;
  }

  /** Appends bytes, which must not change any more. */
  append(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length < byReferenceBytes) {
      const at = this.reserve(length);
      this.buffer.set(bytes, at);
      return;
    }
    this.#growthEnd = 0;
    this.#sealSegment();
    this.#segments.push(bytes);
    this.#segmentBytes += length;
  }

  /**
   * Writes everything to the stream, in one go. A stream in memory may answer before this returns, and
   * so cause more output: all fields are those of an empty output before the first byte is written.
   */
  flush(): void {
    if (this.pendingBytes === 0) return;
    const stream = this.#stream;
    this.#endSlab();
    const segments = this.#segments;
    const slabs = this.#fullSlabs;
    this.#segments = [];
    this.#fullSlabs = [];
    this.#segmentBytes = 0;
    const [first] = segments;
    let isTaken = true;
    if (segments.length === 1 && first !== undefined) {
      isTaken = stream.write(first);
    } else {
      stream.cork();
      for (const segment of segments) isTaken = stream.write(segment);
      stream.uncork();
    }
    this.#letGo(slabs, isTaken);
  }

  /** The stream has emptied what was handed to it. */
  onDrain(): void {
    const busy = this.#busySlabs;
    if (busy.length === 0 || this.#stream.writableLength > 0 || this.#stream.destroyed) return;
    this.#busySlabs = [];
    for (const slab of busy) this.#reuse(slab);
  }

  #letGo(slabs: Slab[], isTaken: boolean): void {
    if (!this.#isPlainSocket || this.#stream.destroyed) {
      for (const slab of slabs) this.#pool.release(slab);
    } else if (this.#stream.writableLength === 0) {
      // Already with the kernel: the same memory serves again, while it is warm.
      for (const slab of slabs) this.#reuse(slab);
    } else if (isTaken) {
      for (const slab of slabs) this.#pool.release(slab);
    } else {
      for (const slab of slabs) this.#busySlabs.push(slab);
    }
  }

  #reuse(slab: Slab): void {
    slab.start = slab.acquiredAt;
    this.#pool.release(slab);
  }

  #nextSlab(bytes: number): void {
    this.#endSlab();
    const slab = this.#pool.acquire(bytes);
    this.#slab = slab;
    this.buffer = slab.buffer;
    this.#from = slab.start;
    this.#at = slab.start;
  }

  /** Puts the slab aside until it is written; what is behind its segments may be used by others then. */
  #endSlab(): void {
    this.#sealSegment();
    this.#growthEnd = 0;
    const slab = this.#slab;
    if (slab === undefined) return;
    slab.start = this.#from;
    this.#fullSlabs.push(slab);
    this.#slab = undefined;
    this.buffer = noBuffer;
    this.#from = 0;
    this.#at = 0;
  }

  #sealSegment(): void {
    if (this.#at === this.#from) return;
    this.#segments.push(this.buffer.subarray(this.#from, this.#at));
    this.#segmentBytes += this.#at - this.#from;
    this.#from = this.#at;
  }
}

const noBuffer: Buffer = Buffer.alloc(0);
