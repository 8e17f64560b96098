import { byteAt, clientPreface, ErrorCode, Flag, FrameType, frameHeaderBytes } from './frames.ts';

/** Takes the frames that `FrameReader` finds. All byte ranges are borrowed until the call returns. */
export interface FrameHandler {
  /** A DATA frame begins: `flowBytes` count against the windows, `dataBytes` without the padding. */
  onDataBegin(streamId: number, flags: number, flowBytes: number, dataBytes: number): void;
  /** Some of its bytes, as they arrive; they stay valid and unchanged for ever. */
  onDataBytes(bytes: Buffer, start: number, end: number): void;
  onDataEnd(): void;
  /** Any other frame, complete. */
  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
  /** The bytes are no HTTP/2; `stop` has been called. */
  onBadFrame(errorCode: number, text: string): void;
}

/**
 * Cuts a byte stream into frames, straight from the chunks it arrives in. Only what a chunk's end cuts
 * apart is copied, and DATA not even then: its bytes are passed on as they come.
 */
export class FrameReader {
  /** Frames that may still begin before `push` stops between two. Belongs to whoever calls it. */
  framesLeft: number = Number.POSITIVE_INFINITY;
  readonly #handler: FrameHandler;
  readonly #maxFrameBytes: number;
  /** Bytes of the client's preface still to come. */
  #prefaceLeft: number;
  #stopped = false;
  /** A header, or a DATA header with its pad length, that the last chunk did not complete. */
  readonly #head: Buffer = Buffer.allocUnsafe(frameHeaderBytes + 1);
  #headFill = 0;
  /** The payload of a cut frame that is not DATA. */
  #frame: Buffer | undefined = undefined;
  #frameFill = 0;
  #frameType = 0;
  #frameFlags = 0;
  #frameStreamId = 0;
  /** The rest of a cut DATA frame. */
  #inData = false;
  #dataLeft = 0;
  #paddingLeft = 0;

  constructor(handler: FrameHandler, maxFrameBytes: number, expectsPreface: boolean) {
    this.#handler = handler;
    this.#maxFrameBytes = maxFrameBytes;
    this.#prefaceLeft = expectsPreface ? clientPreface.length : 0;
  }

  /** Nothing more is read, not even the rest of the current chunk. */
  stop(): void {
    this.#stopped = true;
    this.#frame = undefined;
  }

  /** True between frames: nothing that was begun is waiting for its end. */
  get isBetweenFrames(): boolean {
    return this.#headFill === 0 && this.#frame === undefined && !this.#inData;
  }

  /**
   * Reads from `from` to the end, or until no frames are left; returns the offset that it got to, where
   * it must go on before anything else is pushed.
   */
  push(chunk: Buffer, from = 0): number {
    let at = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : from;
    at = this.#finishCut(chunk, at);
    const end = chunk.length;
    while (!this.#stopped && end - at >= frameHeaderBytes) {
      if (this.framesLeft <= 0) return at;
      this.framesLeft -= 1;
      const length =
        (byteAt(chunk, at) << 16) | (byteAt(chunk, at + 1) << 8) | byteAt(chunk, at + 2);
      const type = byteAt(chunk, at + 3);
      const flags = byteAt(chunk, at + 4);
      const streamId =
        ((byteAt(chunk, at + 5) & 0x7f) << 24) |
        (byteAt(chunk, at + 6) << 16) |
        (byteAt(chunk, at + 7) << 8) |
        byteAt(chunk, at + 8);
      const start = at + frameHeaderBytes;
      if (length > this.#maxFrameBytes) {
        this.#fail(tooLong(length, type));
        return end;
      }
      if (type === FrameType.data) {
        const isPadded = (flags & Flag.padded) !== 0;
        if (isPadded && length > 0 && start === end) break;
        if (!this.#beginData(streamId, flags, length, isPadded ? chunk[start] : 0)) return end;
        at = this.#readData(chunk, isPadded ? start + 1 : start);
      } else if (end - start >= length) {
        this.#handler.onFrame(type, flags, streamId, chunk, start, start + length);
        at = start + length;
      } else {
        this.#cutFrame(type, flags, streamId, length, chunk, start);
        return end;
      }
    }
    if (!this.#stopped && at < end) this.#headFill += chunk.copy(this.#head, 0, at, end);
    return end;
  }

  #readPreface(chunk: Buffer): number {
    const from = clientPreface.length - this.#prefaceLeft;
    const length = Math.min(this.#prefaceLeft, chunk.length);
    for (let i = 0; i < length; i++) {
      if (chunk[i] === clientPreface[from + i]) continue;
      this.stop();
      this.#handler.onBadFrame(ErrorCode.protocolError, 'the preface is not that of HTTP/2');
      return i;
    }
    this.#prefaceLeft -= length;
    return length;
  }

  /** Continues what the last chunk's end cut apart; returns the offset of the next frame. */
  #finishCut(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#headFill > 0) at = this.#finishHead(chunk, at);
    if (this.#inData) return this.#readData(chunk, at);
    const frame = this.#frame;
    if (frame === undefined) return at;
    const copied = chunk.copy(frame, this.#frameFill, at);
    this.#frameFill += copied;
    if (this.#frameFill === frame.length) {
      this.#frame = undefined;
      const { length } = frame;
      this.#handler.onFrame(
        this.#frameType,
        this.#frameFlags,
        this.#frameStreamId,
        frame,
        0,
        length,
      );
    }
    return at + copied;
  }

  /** Completes a cut header and takes it up as the beginning of a cut frame. */
  #finishHead(chunk: Buffer, from: number): number {
    const head = this.#head;
    let at = from;
    while (this.#headFill < this.#headNeeded()) {
      if (at === chunk.length) return at;
      head[this.#headFill++] = byteAt(chunk, at++);
    }
    const hasPadLength = this.#headFill > frameHeaderBytes;
    this.#headFill = 0;
    const length = head.readUIntBE(0, 3);
    const type = byteAt(head, 3);
    const flags = byteAt(head, 4);
    const streamId = head.readUInt32BE(5) & 0x7fff_ffff;
    if (length > this.#maxFrameBytes) {
      this.#fail(tooLong(length, type));
    } else if (type === FrameType.data) {
      this.#beginData(streamId, flags, length, hasPadLength ? head[frameHeaderBytes] : 0);
    } else {
      this.#cutFrame(type, flags, streamId, length, chunk, chunk.length);
    }
    return at;
  }

  #headNeeded(): number {
    const head = this.#head;
    if (this.#headFill < frameHeaderBytes) return frameHeaderBytes;
    const isPaddedData = head[3] === FrameType.data && (byteAt(head, 4) & Flag.padded) !== 0;
    const isEmpty = head[0] === 0 && head[1] === 0 && head[2] === 0;
    return isPaddedData && !isEmpty ? frameHeaderBytes + 1 : frameHeaderBytes;
  }

  #cutFrame(
    type: number,
    flags: number,
    streamId: number,
    length: number,
    chunk: Buffer,
    start: number,
  ): void {
    this.#frameType = type;
    this.#frameFlags = flags;
    this.#frameStreamId = streamId;
    this.#frame = Buffer.allocUnsafe(length);
    this.#frameFill = chunk.copy(this.#frame, 0, start);
  }

  /** False when the frame is invalid. `padLength` has a meaning only when the frame is padded. */
  #beginData(streamId: number, flags: number, length: number, padLength = 0): boolean {
    const isPadded = (flags & Flag.padded) !== 0;
    if (isPadded && padLength >= length) {
      this.stop();
      this.#handler.onBadFrame(ErrorCode.protocolError, 'padding is longer than its frame');
      return false;
    }
    this.#inData = true;
    this.#paddingLeft = isPadded ? padLength : 0;
    this.#dataLeft = isPadded ? length - 1 - padLength : length;
    this.#handler.onDataBegin(streamId, flags, length, this.#dataLeft);
    return true;
  }

  #readData(chunk: Buffer, start: number): number {
    const dataEnd = Math.min(chunk.length, start + this.#dataLeft);
    if (dataEnd > start && !this.#stopped) {
      this.#dataLeft -= dataEnd - start;
      this.#handler.onDataBytes(chunk, start, dataEnd);
    }
    const end = Math.min(chunk.length, dataEnd + this.#paddingLeft);
    this.#paddingLeft -= end - dataEnd;
    if (this.#dataLeft === 0 && this.#paddingLeft === 0) {
      this.#inData = false;
      if (!this.#stopped) this.#handler.onDataEnd();
    }
    return end;
  }

  #fail(text: string): void {
    this.stop();
    this.#handler.onBadFrame(ErrorCode.frameSizeError, text);
  }
}

/** What is wrong with a frame that is too long; `HTTP` is where such a length and type come from most often. */
function tooLong(length: number, type: number): string {
  return length === 0x485454 && type === 0x50
    ? 'an answer in HTTP/1; the address may want TLS'
    : `a frame of ${length} bytes`;
}
