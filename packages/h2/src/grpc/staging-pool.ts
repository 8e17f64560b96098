/** Sizes that a growing buffer goes through, each four times the one before. */
const sizes: readonly number[] = [4, 16, 64, 256, 1024].map((KiB) => KiB * 1024);
/** From this size on a buffer is worth keeping: below, new memory costs little. */
const leastKeptBytes = 64 * 1024;
/** Kept of each size: as many large messages may well arrive at the same time. */
const maxKept = 8;

/**
 * Memory for messages that are not complete, used again and again. The engine counts memory that buffers
 * took, also when they are gone, and looks through the whole heap each time that it is some dozens of MiB.
 */
class StagingPool {
  readonly #free = new Map<number, Buffer[]>(
    sizes.filter((size) => size >= leastKeptBytes).map((size) => [size, []]),
  );

  /**
   * A buffer for a message of `length` bytes of which `needed` have come: for all of it, then the caller
   * may keep it, or no more than four times as large as needed, and at least 4 KiB.
   */
  acquire(needed: number, length: number): Buffer {
    const size = sizes.find((candidate) => candidate >= needed) ?? 2 * needed;
    if (size >= length) return Buffer.allocUnsafeSlow(length);
    return this.#free.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
  }

  /** Takes a buffer back that nobody else has seen. */
  release(buffer: Buffer): void {
    const free = this.#free.get(buffer.length);
    if (free !== undefined && free.length < maxKept) free.push(buffer);
  }
}

/** The process's own: what lies in it unused is at most 11 MiB. */
export const stagingPool: StagingPool = new StagingPool();
