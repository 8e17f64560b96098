import type { DiskFile } from '@kvorum/wal';

/** A file of which nothing is on disk. */
export class MemoryFile implements DiskFile {
  #content: Buffer;
  #size: number;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#content = Buffer.from(bytes);
    this.#size = bytes.length;
  }

  /** A view of what it holds, until it grows. */
  get bytes(): Buffer {
    return this.#content.subarray(0, this.#size);
  }

  size(): number {
    return this.#size;
  }

  read(into: Uint8Array, position: number): number {
    const found = this.bytes.subarray(position, position + into.length);
    into.set(found);
    return found.length;
  }

  write(data: Uint8Array, position: number): void {
    const end = position + data.length;
    if (end > this.#content.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.#content.length));
      larger.set(this.bytes);
      this.#content = larger;
    }
    this.#content.set(data, position);
    this.#size = Math.max(this.#size, end);
  }

  truncate(size: number): void {
    const bytes = Buffer.alloc(size);
    bytes.set(this.bytes.subarray(0, size));
    this.#content = bytes;
    this.#size = size;
  }

  syncNow(): void {}

  async sync(): Promise<void> {}

  close(): void {}
}
