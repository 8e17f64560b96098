import { Duplex } from 'node:stream';

/** One end of a connection that never leaves the process. */
class MemoryDuplex extends Duplex {
  /** The other end. Set once, right after both are made. */
  peer: MemoryDuplex | undefined = undefined;
  /** What the other end wrote and this one had no room for, and how to tell it that there is some again. */
  #release: (() => void) | undefined = undefined;

  override _read(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const { peer } = this;
    if (peer === undefined || peer.destroyed) done();
    else peer.#receive(chunk, done);
  }

  override _final(done: () => void): void {
    if (this.peer?.destroyed === false) this.peer.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#release?.();
    this.#release = undefined;
    const { peer } = this;
    if (peer !== undefined && !peer.destroyed) peer.destroy();
    done(error);
  }

  #receive(chunk: Buffer, done: () => void): void {
    if (this.push(chunk)) done();
    else this.#release = done;
  }
}

/**
 * Two ends of a connection in memory, with back-pressure: what is written to one is read from the other.
 * A write is done once the other end has room again.
 */
export function memoryDuplexPair(): readonly [Duplex, Duplex] {
  // Small buffers, so that back-pressure shows early.
  const options = { readableHighWaterMark: 16 * 1024, writableHighWaterMark: 16 * 1024 };
  const left = new MemoryDuplex(options);
  const right = new MemoryDuplex(options);
  left.peer = right;
  right.peer = left;
  return [left, right];
}
