import type { Duplex } from 'node:stream';
import { clientPreface, Flag, FrameType, frameHeaderBytes, writeFrameHeader } from '../frames.ts';
import { HpackDecoder } from '../hpack/decoder.ts';
import { HpackEncoder } from '../hpack/encoder.ts';
import { HeaderField } from '../hpack/header-field.ts';

/** One frame as it came. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/**
 * A peer that sends exactly the frames it is told to, right or wrong, and keeps what it gets. It reads
 * frames by means of its own, so that a fault in the transport's reader does not hide itself.
 */
export class FramePeer {
  /** Frames received so far. */
  readonly frames: RawFrame[] = [];
  /** The other side has ended or destroyed the byte stream. */
  isEnded = false;
  encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder({ maxHeaderListBytes: 1 << 20, maxHeaderFields: 1000 });
  readonly #stream: Duplex;
  #received: Buffer = Buffer.alloc(0);
  #wake: (() => void)[] = [];
  /** Bytes in front of the first frame: a client's preface, when this peer is the server. */
  #skipBytes: number;

  constructor(stream: Duplex, skipBytes = 0) {
    this.#stream = stream;
    this.#skipBytes = skipBytes;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => this.#onEnd());
    stream.on('close', () => this.#onEnd());
    stream.on('error', () => {});
  }

  /** The client's part of the handshake, with settings if any. */
  greet(settings: Uint8Array = new Uint8Array(0)): void {
    this.write(clientPreface);
    this.send(FrameType.settings, 0, 0, settings);
  }

  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Stops and restarts reading, as a slow peer would. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  hangUp(): void {
    this.#stream.destroy();
  }

  send(type: number, flags: number, streamId: number, payload: Uint8Array | number[] = []): void {
    const frame = Buffer.alloc(frameHeaderBytes + payload.length);
    writeFrameHeader(frame, 0, payload.length, type, flags, streamId);
    frame.set(payload, frameHeaderBytes);
    this.write(frame);
  }

  /** HEADERS in one frame. */
  sendHeaders(streamId: number, fields: readonly (readonly [string, string])[], flags = 0): void {
    this.send(FrameType.headers, Flag.endHeaders | flags, streamId, this.encode(fields));
  }

  encode(fields: readonly (readonly [string, string])[]): Buffer {
    const block = fields.map(([name, value]) => new HeaderField(name, value));
    return Buffer.from(this.encoder.encode(block));
  }

  /** After blocks that were written by hand: empties the table at the other end, and uses it no more. */
  forgetTable(): void {
    this.encoder = new HpackEncoder(0);
  }

  /** Decodes a header block received; each once, in order. */
  decode(frame: RawFrame): Map<string, string> {
    const { fields } = this.#decoder.decode(frame.payload, 0, frame.payload.length);
    return new Map(fields.map((field) => [field.name, field.value]));
  }

  /** The first frame that fits, waiting for it if need be; undefined when the connection ends before. */
  async find(fits: (frame: RawFrame) => boolean): Promise<RawFrame | undefined> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined || this.isEnded) return found;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Resolves when the other side has ended the byte stream. */
  async ended(): Promise<void> {
    while (!this.isEnded) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Resolves when all that was sent has been answered: a PING went there and back. */
  async roundTrip(opaque = 0): Promise<void> {
    const payload = Buffer.alloc(8, 0x70);
    payload.writeUInt32BE(opaque);
    this.send(FrameType.ping, 0, 0, payload);
    await this.find(
      (frame) =>
        frame.type === FrameType.ping && frame.flags === Flag.ack && frame.payload.equals(payload),
    );
  }

  #onData(chunk: Buffer): void {
    const skipped = Math.min(this.#skipBytes, chunk.length);
    this.#skipBytes -= skipped;
    this.#received = Buffer.concat([this.#received, chunk.subarray(skipped)]);
    for (;;) {
      const bytes = this.#received;
      if (bytes.length < frameHeaderBytes) break;
      const end = frameHeaderBytes + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      this.frames.push({
        type: bytes.readUInt8(3),
        flags: bytes.readUInt8(4),
        streamId: bytes.readUInt32BE(5),
        payload: bytes.subarray(frameHeaderBytes, end),
      });
      this.#received = bytes.subarray(end);
    }
    this.#wakeAll();
  }

  #onEnd(): void {
    this.isEnded = true;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}
