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
  buffer: Uint8Array = new Uint8Array(0);
  #end = 0;
  #chunk: Uint8Array = this.buffer;

  /** Reserves `size` bytes in `buffer` and returns where they start. */
  take(size: number): number {
    if (size > LARGEST_SHARED_BYTES) {
      this.buffer = allocate(size);
      return 0;
    }
    if (this.#end + size > this.#chunk.length) {
      this.#chunk = allocate(CHUNK_BYTES);
      this.#end = 0;
    }
    this.buffer = this.#chunk;
    const at = this.#end;
    this.#end += size;
    return at;
  }
}

function allocate(size: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(size);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, size);
}
