import type { Duplex } from 'node:stream';
import {
  clientPreface,
  FrameType,
  frameHeaderBytes,
  writeFrameHeader,
  writeUint32,
} from './frames.ts';

/** With the header of a first frame it is worth while to look at what a peer says. */
const openingBytes = clientPreface.length + frameHeaderBytes;

/** Told, once, what becomes of a peer that has connected. */
export interface GateOwner {
  /** It has said enough to begin, or something else than HTTP/2: these bytes, in all. */
  onOpen(bytes: Buffer): void;
  /** It went without a word; `error` when the byte stream has failed. */
  onGone(error: Error | undefined): void;
  /** The byte stream is gone. */
  onClosed(): void;
}

/**
 * A connection before its preface (RFC 9113 §3.4): a client speaks first, so nothing is made for it until
 * it does. Who connects and stays silent, by the thousand, costs hardly more than a socket.
 */
export class PrefaceGate {
  readonly #stream: Duplex;
  readonly #owner: GateOwner;
  #bytes: Buffer = noBytes;
  #isOver = false;

  constructor(stream: Duplex, owner: GateOwner) {
    this.#stream = stream;
    this.#owner = owner;
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
  }

  /** Takes bytes that were read before. */
  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#onData(bytes);
  }

  /** Says farewell, to those who understand it, and ends the byte stream. The owner hears of its close. */
  turnAway(errorCode: number, text: string): void {
    this.#isOver = true;
    this.#bytes = noBytes;
    if (!this.#stream.destroyed) this.#stream.end(farewell(errorCode, text));
  }

  readonly #onData = (chunk: Uint8Array): void => {
    // What still comes is thrown away, so that the peer gets to read our last words.
    if (this.#isOver) return;
    const bytes = Buffer.concat([this.#bytes, chunk]);
    this.#bytes = bytes;
    if (bytes.length < openingBytes && isPrefaceSoFar(bytes)) return;
    this.#isOver = true;
    this.#bytes = noBytes;
    const stream = this.#stream;
    stream.off('data', this.#onData);
    stream.off('end', this.#onEnd);
    stream.off('error', this.#onError);
    stream.off('close', this.#onClose);
    this.#owner.onOpen(bytes);
  };

  readonly #onEnd = (): void => this.#leave(undefined);

  readonly #onError = (error: Error): void => this.#leave(error);

  readonly #onClose = (): void => {
    this.#leave(undefined);
    this.#owner.onClosed();
  };

  #leave(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#bytes = noBytes;
    if (!this.#stream.destroyed) this.#stream.end();
    this.#owner.onGone(error);
  }
}

function isPrefaceSoFar(bytes: Buffer): boolean {
  const size = Math.min(bytes.length, clientPreface.length);
  return bytes.compare(clientPreface, 0, size, 0, size) === 0;
}

/** A server's preface, which is an empty SETTINGS frame here, and GOAWAY before any stream. */
function farewell(errorCode: number, text: string): Buffer {
  const debug = Buffer.from(text, 'latin1');
  const bytes = Buffer.alloc(2 * frameHeaderBytes + 8 + debug.length);
  let at = writeFrameHeader(bytes, 0, 0, FrameType.settings, 0, 0);
  at = writeFrameHeader(bytes, at, 8 + debug.length, FrameType.goaway, 0, 0);
  at = writeUint32(bytes, writeUint32(bytes, at, 0), errorCode);
  bytes.set(debug, at);
  return bytes;
}

const noBytes: Buffer = Buffer.alloc(0);
