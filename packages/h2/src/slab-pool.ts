const slabBytes = 32 * 1024;
/** A slab with less room left is not worth another turn. */
const minRoomBytes = 2 * 1024;
/** Slabs kept for reuse: as many connections may well write in one turn. */
const maxFree = 64;

/** Memory to write frames into. What lies before `start` belongs to writes under way. */
export interface Slab {
  readonly buffer: Buffer;
  start: number;
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
    if (slab !== undefined && slab.buffer.length - slab.start >= bytes) return slab;
    if (slab !== undefined) this.#free.unshift(slab);
    return { buffer: Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes)), start: 0 };
  }

  /** Takes a slab back; its `start` says what may be written over. */
  release(slab: Slab): void {
    const room = slab.buffer.length - slab.start;
    if (slab.buffer.length === slabBytes && room >= minRoomBytes && this.#free.length < maxFree) {
      this.#free.push(slab);
    }
  }
}
