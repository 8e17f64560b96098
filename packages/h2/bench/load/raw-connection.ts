import net, { type Socket } from 'node:net';
import { type FrameHandler, FrameReader } from '../../src/frame-reader.ts';
import {
  clientPreface,
  defaultWindowBytes,
  Flag,
  FrameType,
  frameHeaderBytes,
  minMaxFrameBytes,
  readUint32,
  SettingId,
  writeFrameHeader,
  writeUint32,
} from '../../src/frames.ts';
import { HpackEncoder } from '../../src/hpack/encoder.ts';
import { HeaderField } from '../../src/hpack/header-field.ts';
import { readSettings, settingsPayload } from '../../src/settings.ts';
import { connectionWindowBytes, streamWindowBytes } from '../windows.ts';

/** What every call of a connection is. */
export interface RawCall {
  readonly path: string;
  /** The request's body, prefix and all. */
  readonly body: Buffer;
  /** Bytes of DATA that the answer must have. */
  readonly answerBytes: number;
}

/** Told of every call that has ended well; true asks for one more. */
export type OnAnswered = () => boolean;

interface OpenCall {
  /** Bytes of the body that were sent, and that the stream's window still lets us send. */
  sent: number;
  window: number;
  received: number;
  unacknowledged: number;
  blocks: number;
}

/**
 * A client that makes the same call again and again, and does no more than count what comes back, so that
 * the server is what a load measures. Any answer that is not as expected throws.
 */
export class RawConnection implements FrameHandler {
  readonly #socket: Socket;
  readonly #call: RawCall;
  readonly #onAnswered: OnAnswered;
  readonly #reader = new FrameReader(this, minMaxFrameBytes, false);
  readonly #encoder = new HpackEncoder();
  readonly #fields: readonly HeaderField[];
  readonly #calls = new Map<number, OpenCall>();
  #nextId = 1;
  #initialWindow: number = defaultWindowBytes;
  #window: number = defaultWindowBytes;
  #unacknowledged = 0;
  #dataId = 0;
  #dataFlags = 0;

  constructor(port: number, call: RawCall, onAnswered: OnAnswered) {
    this.#call = call;
    this.#onAnswered = onAnswered;
    this.#fields = [
      new HeaderField(':method', 'POST'),
      new HeaderField(':scheme', 'http'),
      new HeaderField(':path', call.path),
      new HeaderField(':authority', `127.0.0.1:${port}`),
      new HeaderField('content-type', 'application/grpc'),
      new HeaderField('te', 'trailers'),
    ];
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#onChunk(chunk));
    this.#socket.cork();
    this.#socket.write(clientPreface);
    this.#send(
      FrameType.settings,
      0,
      0,
      settingsPayload([
        [SettingId.enablePush, 0],
        [SettingId.initialWindowSize, streamWindowBytes],
      ]),
    );
    this.#sendUint32(FrameType.windowUpdate, 0, connectionWindowBytes - defaultWindowBytes);
    this.#socket.uncork();
  }

  /** Calls under way. */
  get openCalls(): number {
    return this.#calls.size;
  }

  begin(): void {
    const id = this.#nextId;
    this.#nextId += 2;
    const call = {
      sent: 0,
      window: this.#initialWindow,
      received: 0,
      unacknowledged: 0,
      blocks: 0,
    };
    this.#calls.set(id, call);
    this.#send(FrameType.headers, Flag.endHeaders, id, this.#encoder.encode(this.#fields));
    this.#sendBody(id, call);
  }

  close(): void {
    this.#socket.destroy();
  }

  onDataBegin(streamId: number, flags: number, flowBytes: number): void {
    this.#dataId = streamId;
    this.#dataFlags = flags;
    this.#unacknowledged += flowBytes;
    if (this.#unacknowledged * 2 >= connectionWindowBytes) {
      this.#sendUint32(FrameType.windowUpdate, 0, this.#unacknowledged);
      this.#unacknowledged = 0;
    }
    const call = this.#callOf(streamId);
    call.received += flowBytes;
    call.unacknowledged += flowBytes;
    if (call.unacknowledged * 2 < streamWindowBytes) return;
    this.#sendUint32(FrameType.windowUpdate, streamId, call.unacknowledged);
    call.unacknowledged = 0;
  }

  onDataBytes(): void {}

  onDataEnd(): void {
    if ((this.#dataFlags & Flag.endStream) !== 0) this.#end(this.#dataId);
  }

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    if (type === FrameType.headers) {
      this.#callOf(streamId).blocks += 1;
      if ((flags & Flag.endStream) !== 0) this.#end(streamId);
    } else if (type === FrameType.windowUpdate) {
      this.#onWindowUpdate(streamId, readUint32(bytes, start));
    } else if (type === FrameType.settings) {
      if ((flags & Flag.ack) === 0) this.#onSettings(bytes, start, end);
    } else if (type === FrameType.ping) {
      if ((flags & Flag.ack) === 0) {
        this.#send(FrameType.ping, Flag.ack, 0, Buffer.from(bytes.subarray(start, end)));
      }
    } else {
      throw new Error(`a frame of type ${type} came`);
    }
  }

  onBadFrame(_errorCode: number, text: string): void {
    throw new Error(text);
  }

  #onChunk(chunk: Buffer): void {
    this.#socket.cork();
    this.#reader.push(chunk);
    this.#socket.uncork();
  }

  #callOf(streamId: number): OpenCall {
    const call = this.#calls.get(streamId);
    if (call === undefined) throw new Error(`stream ${streamId} is not open`);
    return call;
  }

  #end(streamId: number): void {
    const call = this.#callOf(streamId);
    const { body, answerBytes } = this.#call;
    if (call.received !== answerBytes || call.blocks !== 2 || call.sent !== body.length) {
      throw new Error(`an answer of ${call.received} bytes and ${call.blocks} header blocks`);
    }
    this.#calls.delete(streamId);
    if (this.#onAnswered()) this.begin();
  }

  #onSettings(bytes: Buffer, start: number, end: number): void {
    const settings = readSettings(bytes, start, end);
    if ('errorCode' in settings) throw new Error(settings.text);
    this.#send(FrameType.settings, Flag.ack, 0, noBytes);
    const change = (settings.initialWindowBytes ?? this.#initialWindow) - this.#initialWindow;
    this.#initialWindow += change;
    for (const [id, call] of this.#calls) {
      call.window += change;
      this.#sendBody(id, call);
    }
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      this.#window += increment;
      for (const [id, call] of this.#calls) this.#sendBody(id, call);
      return;
    }
    // It may come after the answer.
    const call = this.#calls.get(streamId);
    if (call === undefined) return;
    call.window += increment;
    this.#sendBody(streamId, call);
  }

  /** Sends what the windows allow. */
  #sendBody(streamId: number, call: OpenCall): void {
    const { body } = this.#call;
    while (call.sent < body.length) {
      const left = Math.min(minMaxFrameBytes, body.length - call.sent, call.window, this.#window);
      if (left <= 0) return;
      const end = call.sent + left;
      const flags = end === body.length ? Flag.endStream : 0;
      this.#send(FrameType.data, flags, streamId, body.subarray(call.sent, end));
      call.sent = end;
      call.window -= left;
      this.#window -= left;
    }
  }

  #sendUint32(type: number, streamId: number, value: number): void {
    const payload = Buffer.allocUnsafe(4);
    writeUint32(payload, 0, value);
    this.#send(type, 0, streamId, payload);
  }

  /** Small payloads are copied; a large one must not change. */
  #send(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const isSmall = payload.length <= 1024;
    const head = Buffer.allocUnsafe(frameHeaderBytes + (isSmall ? payload.length : 0));
    writeFrameHeader(head, 0, payload.length, type, flags, streamId);
    if (isSmall) head.set(payload, frameHeaderBytes);
    this.#socket.write(head);
    if (!isSmall) this.#socket.write(payload);
  }
}

const noBytes = Buffer.alloc(0);
