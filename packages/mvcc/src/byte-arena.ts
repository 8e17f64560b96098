/** Bytes of one chunk. A slice that outlives its neighbours keeps this much memory alive. */
const CHUNK_BYTES = 256 * 1024;
/** Larger requests get an array of their own, so that a chunk never has a large unused end. */
const LARGEST_SHARED_BYTES = 32 * 1024;

/**
 * Room for encodings, handed out from large chunks: thousands of rows a batch share a few allocations.
 * Handed-out bytes are written once by their taker and never again.
 */
export class ByteArena {
  /** Array that the latest `take` was served from. */
  buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** The memory behind `buffer`, from its first byte on: quicker to get here than from the array. */
  memory: ArrayBuffer = this.buffer.buffer;
  #end = 0;
  #chunk = this.buffer;
  #chunkMemory = this.memory;

  /** Reserves `size` bytes in `buffer` and returns where they start. */
  take(size: number): number {
    if (size > LARGEST_SHARED_BYTES) {
      this.buffer = allocate(size);
      this.memory = this.buffer.buffer;
      return 0;
    }
    if (this.#end + size > this.#chunk.length) {
      this.#chunk = allocate(CHUNK_BYTES);
      this.#chunkMemory = this.#chunk.buffer;
      this.#end = 0;
    }
    this.buffer = this.#chunk;
    this.memory = this.#chunkMemory;
    const at = this.#end;
    this.#end += size;
    return at;
  }
}

/** An array that is all there is in its memory. */
function allocate(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
