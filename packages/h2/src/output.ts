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
  /** Bytes written here since the last flush. */
  pendingBytes = 0;
  readonly #stream: Duplex;
  readonly #pool: SlabPool;
  /** A plain socket copies what it writes at once; other streams may keep a reference. */
  readonly #copiesOnWrite: boolean;
  #slab: Slab | undefined = undefined;
  /** Begin and end of what is written in the slab but not yet a segment. */
  #from = 0;
  #at = 0;
  #segments: Uint8Array[] = [];

  constructor(stream: Duplex, pool: SlabPool) {
    this.#stream = stream;
    this.#pool = pool;
    this.#copiesOnWrite = stream instanceof Socket && !('encrypted' in stream);
  }

  /** Makes room for `bytes` in one piece, behind all that was written; returns their offset. */
  reserve(bytes: number): number {
    if (this.buffer.length - this.#at < bytes) this.#nextSlab(bytes);
    const at = this.#at;
    this.#at = at + bytes;
    this.pendingBytes += bytes;
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
    this.#sealSegment();
    this.#segments.push(bytes);
    this.pendingBytes += length;
  }

  /**
   * Writes everything to the stream, in one go. A stream in memory may answer before this returns, and
   * so cause more output: all fields are those of an empty output before the first byte is written.
   */
  flush(): void {
    if (this.pendingBytes === 0) return;
    const stream = this.#stream;
    const from = this.#from;
    this.#sealSegment();
    const segments = this.#segments;
    const slab = this.#takeSlab();
    this.#segments = [];
    this.pendingBytes = 0;
    const first = segments[0];
    if (segments.length === 1 && first !== undefined) {
      stream.write(first);
      // Already with the kernel: the same memory serves again, while it is warm.
      const isInSlab = slab !== undefined && first.buffer === slab.buffer.buffer;
      if (isInSlab && this.#copiesOnWrite && stream.writableLength === 0) slab.start = from;
    } else {
      stream.cork();
      for (const segment of segments) stream.write(segment);
      stream.uncork();
    }
    if (slab !== undefined) this.#pool.release(slab);
  }

  #nextSlab(bytes: number): void {
    this.#sealSegment();
    const used = this.#takeSlab();
    if (used !== undefined) this.#pool.release(used);
    const slab = this.#pool.acquire(bytes);
    this.#slab = slab;
    this.buffer = slab.buffer;
    this.#from = slab.start;
    this.#at = slab.start;
  }

  /** Lets go of the slab, whose segments are sealed; what is behind them may be written to. */
  #takeSlab(): Slab | undefined {
    const slab = this.#slab;
    if (slab !== undefined) slab.start = this.#from;
    this.#slab = undefined;
    this.buffer = noBuffer;
    this.#from = 0;
    this.#at = 0;
    return slab;
  }

  #sealSegment(): void {
    if (this.#at === this.#from) return;
    this.#segments.push(this.buffer.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}

const noBuffer: Buffer = Buffer.alloc(0);
