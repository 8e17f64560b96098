/** Pieces below this many bytes are copied together: a flood of tiny ones must not cost an object each. */
const coalesceBytes = 2 * 1024;
const blockBytes = 8 * 1024;

/** Bytes that wait, first in, first out. Costs memory in proportion to the bytes, however cut. */
export class ByteQueue {
  /** Bytes waiting. */
  size = 0;
  #pieces: Uint8Array[] = [];
  #head = 0;
  /** The block small pieces are copied into; its filled part is the last piece. */
  #block: Uint8Array | undefined = undefined;
  #blockFill = 0;

  /** Takes `[start, end)` of bytes that will not change any more. */
  push(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    const length = end - start;
    if (length === 0) return;
    this.size += length;
    if (length >= coalesceBytes) {
      this.#sealBlock();
      this.#pieces.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
      return;
    }
    if (this.#block === undefined || this.#block.length - this.#blockFill < length) {
      this.#sealBlock();
      this.#block = new Uint8Array(this.size > length ? blockBytes : coalesceBytes);
    }
    this.#block.set(bytes.subarray(start, end), this.#blockFill);
    this.#blockFill += length;
  }

  /** Takes out the next piece, of at most `maxBytes`; undefined when nothing waits. */
  shift(maxBytes: number): Uint8Array | undefined {
    if (this.#head === this.#pieces.length) this.#sealBlock();
    const piece = this.#pieces[this.#head];
    if (piece === undefined) return undefined;
    if (piece.length > maxBytes) {
      this.#pieces[this.#head] = piece.subarray(maxBytes);
      this.size -= maxBytes;
      return piece.subarray(0, maxBytes);
    }
    this.#pieces[this.#head] = nothing;
    this.#head += 1;
    if (this.#head === this.#pieces.length) {
      this.#pieces = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#head);
      this.#head = 0;
    }
    this.size -= piece.length;
    return piece;
  }

  /** Puts bytes back in front. */
  unshift(bytes: Uint8Array): void {
    this.size += bytes.length;
    if (this.#head > 0) {
      this.#head -= 1;
      this.#pieces[this.#head] = bytes;
    } else {
      this.#pieces.unshift(bytes);
    }
  }

  clear(): void {
    this.size = 0;
    this.#pieces = [];
    this.#head = 0;
    this.#block = undefined;
    this.#blockFill = 0;
  }

  #sealBlock(): void {
    const block = this.#block;
    if (block === undefined || this.#blockFill === 0) return;
    this.#pieces.push(block.subarray(0, this.#blockFill));
    // What is left of the block takes the next small pieces.
    const rest = block.length - this.#blockFill;
    this.#block = rest >= 64 ? block.subarray(this.#blockFill) : undefined;
    this.#blockFill = 0;
  }
}

const nothing = new Uint8Array(0);
