const slabBytes = 32 * 1024;
/** A slab with less room left is not worth another turn. */
const minRoomBytes = 2 * 1024;
/** Slabs kept for reuse: as many connections may well write in one turn. */
const maxFree = 64;

/** Memory to write frames into. */
export interface Slab {
  readonly buffer: Buffer;
  /** What lies before belongs to writes under way. */
  start: number;
  /** `start` when it was last acquired: what lies behind is its holder's. */
  acquiredAt: number;
}

/**
 * Hands out memory for output. A connection holds a slab only while it has something to write, so
 * thousands of idle connections hold none.
 */
export class SlabPool {
  readonly #free: Slab[] = [];

  /** A slab with at least `bytes` of room. */
  acquire(bytes: number): Slab {
    const slab = this.#free.pop();
    if (slab !== undefined) {
      slab.acquiredAt = slab.start;
      if (slab.buffer.length - slab.start >= bytes) return slab;
      this.#free.unshift(slab);
    }
    const buffer = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    return { buffer, start: 0, acquiredAt: 0 };
  }

  /** Takes a slab back; its `start` says what may be written over. */
  release(slab: Slab): void {
    const room = slab.buffer.length - slab.start;
    if (slab.buffer.length === slabBytes && room >= minRoomBytes && this.#free.length < maxFree) {
      this.#free.push(slab);
    }
  }
}
