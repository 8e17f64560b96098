import { gunzipSync } from 'node:zlib';

export interface MessageReceiver {
  /** One whole message, owned by the receiver. */
  onMessage(message: Uint8Array): void;
  /** The stream isn't what gRPC allows; nothing follows. */
  onError(status: number, text: string): void;
}

const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
const HEAD_BYTES = 5;

/** Cuts a stream of bytes into gRPC messages: a flag byte, a 4-byte length, the message. */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #isGzip: boolean;
  readonly #receiver: MessageReceiver;
  #bytes: Buffer = Buffer.alloc(0);
  #failed = false;

  /** `isGzip`: messages may come compressed. */
  constructor(maxBytes: number, isGzip: boolean, receiver: MessageReceiver) {
    this.#maxBytes = maxBytes;
    this.#isGzip = isGzip;
    this.#receiver = receiver;
  }

  push(chunk: Buffer): void {
    if (this.#failed) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    while (!this.#failed && this.#bytes.length >= HEAD_BYTES) {
      const size = this.#bytes.readUInt32BE(1);
      if (size > this.#maxBytes) {
        const text = `grpc: received message larger than max (${size} vs. ${this.#maxBytes})`;
        this.#fail(RESOURCE_EXHAUSTED, text);
        return;
      }
      if (this.#bytes.length < HEAD_BYTES + size) return;
      const flag = this.#bytes.readUInt8(0);
      const message = this.#bytes.subarray(HEAD_BYTES, HEAD_BYTES + size);
      this.#bytes = this.#bytes.subarray(HEAD_BYTES + size);
      this.#deliver(message, flag);
    }
  }

  /** What has come ends inside a message. */
  get isCut(): boolean {
    return this.#bytes.length > 0;
  }

  #deliver(message: Buffer, flag: number): void {
    if (flag === 0) {
      this.#receiver.onMessage(message);
      return;
    }
    if (flag !== 1) {
      this.#fail(INTERNAL, `grpc: received unexpected payload format ${flag}`);
      return;
    }
    if (!this.#isGzip) {
      this.#fail(INTERNAL, 'grpc: compressed flag set with identity or empty encoding');
      return;
    }
    let plain: Buffer;
    try {
      plain = gunzipSync(message, { maxOutputLength: this.#maxBytes });
    } catch {
      this.#fail(INTERNAL, 'grpc: failed to decompress the received message');
      return;
    }
    this.#receiver.onMessage(plain);
  }

  #fail(status: number, text: string): void {
    this.#failed = true;
    this.#receiver.onError(status, text);
  }
}
