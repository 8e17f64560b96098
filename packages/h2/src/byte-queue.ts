/** Pieces below this many bytes are copied together: a flood of tiny ones must not cost an object each. */
const coalesceBytes = 2 * 1024;
/** Blocks grow with what waits, so that memory stays in proportion, up to two full frames. */
const firstBlockBytes = 2 * 1024;
const secondBlockBytes = 8 * 1024;
const blockBytes = 32 * 1024;

/** Bytes that wait, first in, first out. Costs memory in proportion to the bytes, however cut. */
export class ByteQueue {
  /** Bytes waiting. */
  size = 0;
  /** Where to write what was reserved last. */
  block: Uint8Array = nothing;
  #pieces: Uint8Array[] = [];
  #head = 0;
  /** Of the block, what is written but not yet a piece: [begin, end). */
  #blockBegin = 0;
  #blockEnd = 0;

  /**
   * Makes room for `length` bytes in one piece, behind all that waits, and returns their offset in
   * `block`. They must be written before anything else is done with the queue.
   */
  reserve(length: number): number {
    if (this.block.length - this.#blockEnd < length) this.#nextBlock(length);
    const at = this.#blockEnd;
    this.#blockEnd = at + length;
    this.size += length;
    return at;
  }

  /** Takes `[start, end)` of bytes that will not change any more. */
  push(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    const length = end - start;
    if (length === 0) return;
    const isWhole = length === bytes.length;
    if (length >= coalesceBytes) {
      this.#sealBlock();
      this.size += length;
      this.#pieces.push(isWhole ? bytes : bytes.subarray(start, end));
      return;
    }
    const at = this.reserve(length);
    this.block.set(isWhole ? bytes : bytes.subarray(start, end), at);
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
    this.block = nothing;
    this.#blockBegin = 0;
    this.#blockEnd = 0;
  }

  #nextBlock(length: number): void {
    this.#sealBlock();
    const { size } = this;
    const usual =
      size === 0 ? firstBlockBytes : size < 2 * secondBlockBytes ? secondBlockBytes : blockBytes;
    this.block = Buffer.allocUnsafeSlow(Math.max(usual, length));
    this.#blockBegin = 0;
    this.#blockEnd = 0;
  }

  /** What is left of the block takes the next small pieces. */
  #sealBlock(): void {
    if (this.#blockEnd === this.#blockBegin) return;
    this.#pieces.push(this.block.subarray(this.#blockBegin, this.#blockEnd));
    this.#blockBegin = this.#blockEnd;
  }
}

const nothing = new Uint8Array(0);
