import { byteAt, ErrorCode, Flag } from './frames.ts';
import type { Limits } from './limits.ts';

/** Why a connection must end. */
export interface ConnectionFault {
  readonly errorCode: number;
  readonly text: string;
}

/**
 * Puts header blocks together from HEADERS and CONTINUATION frames (RFC 9113 §6.2, §6.10). The usual
 * block, one frame long, is not copied.
 */
export class HeaderAssembler {
  /** The stream whose block is under way, or 0. */
  streamId = 0;
  /** When it began, in the clock's ms. */
  begunAtMs = 0;
  endStream = false;
  /** True when the block has all its parts. */
  isComplete = false;
  /** A complete block is `[start, end)` of `bytes`. */
  bytes: Buffer = noBytes;
  start = 0;
  end = 0;
  readonly #limits: Limits;
  #parts: Buffer[] = [];
  #size = 0;
  #continuations = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Bytes of an unfinished block. */
  get heldBytes(): number {
    return this.#size;
  }

  /** A HEADERS frame; afterwards the block `isComplete` or CONTINUATION must follow. */
  begin(
    streamId: number,
    flags: number,
    bytes: Buffer,
    from: number,
    to: number,
    nowMs: number,
  ): ConnectionFault | undefined {
    let start = from;
    let end = to;
    if ((flags & Flag.padded) !== 0) {
      if (start === end) return frameSize('HEADERS lacks its pad length');
      const padLength = byteAt(bytes, start);
      start += 1;
      if (padLength > end - start) return protocol('padding is longer than its frame');
      end -= padLength;
    }
    if ((flags & Flag.priority) !== 0) {
      if (end - start < 5) return frameSize('HEADERS lacks its priority');
      start += 5;
    }
    this.streamId = streamId;
    this.endStream = (flags & Flag.endStream) !== 0;
    if ((flags & Flag.endHeaders) !== 0) {
      this.#complete(bytes, start, end);
      return undefined;
    }
    this.begunAtMs = nowMs;
    this.#continuations = 0;
    this.#parts = [];
    this.#size = 0;
    return this.#add(bytes, start, end);
  }

  /** A CONTINUATION frame of the stream whose block is under way. */
  continue(flags: number, bytes: Buffer, start: number, end: number): ConnectionFault | undefined {
    this.#continuations += 1;
    if (this.#continuations > this.#limits.maxContinuationFrames) {
      return calm('too many CONTINUATION frames');
    }
    const fault = this.#add(bytes, start, end);
    if (fault === undefined && (flags & Flag.endHeaders) !== 0) {
      this.#complete(Buffer.concat(this.#parts), 0, this.#size);
      this.#parts = [];
      this.#size = 0;
    }
    return fault;
  }

  /** Forgets the block, once it was decoded. */
  clear(): void {
    this.isComplete = false;
    this.streamId = 0;
    this.bytes = noBytes;
  }

  #add(bytes: Buffer, start: number, end: number): ConnectionFault | undefined {
    this.#size += end - start;
    if (this.#size > this.#limits.maxHeaderListBytes) return calm('a header block is too large');
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    return undefined;
  }

  #complete(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isComplete = true;
  }
}

const noBytes: Buffer = Buffer.alloc(0);

function protocol(text: string): ConnectionFault {
  return { errorCode: ErrorCode.protocolError, text };
}

function frameSize(text: string): ConnectionFault {
  return { errorCode: ErrorCode.frameSizeError, text };
}

function calm(text: string): ConnectionFault {
  return { errorCode: ErrorCode.enhanceYourCalm, text };
}
