import { ByteQueue } from './byte-queue.ts';
import {
  defaultWindowBytes,
  Flag,
  FrameType,
  frameHeaderBytes,
  maxWindowBytes,
  minMaxFrameBytes,
  writeFrameHeader,
  writeFrameLength,
  writeUint32,
} from './frames.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import type { HeaderField } from './hpack/header-field.ts';
import type { HeaderTemplate } from './hpack/header-template.ts';
import type { Limits } from './limits.ts';
import type { Output } from './output.ts';
import type { PeerSettings } from './settings.ts';
import type { H2Stream } from './stream.ts';

/** Told by the sender what its connection must know. */
export interface SenderOwner {
  /** END_STREAM of a stream was written. */
  onEndSent(stream: H2Stream): void;
  /** Something was written; it must be flushed by the end of the turn. */
  onOutput(): void;
  /** DATA was written behind which its stream may have more; it may wait for the next turn. */
  onMessage(): void;
  /** So many bytes were queued. */
  onQueued(bytes: number): void;
}

/** What a block was encoded to, good while the encoder's table has the same version. */
interface EncodedTemplate {
  readonly version: number;
  readonly bytes: Uint8Array;
}

/**
 * A connection's output: frames, the peer's windows, and the line of streams that wait for one of them.
 * DATA goes out at once when it may; else it waits in its stream, and streams take turns, one frame each.
 */
export class Sender {
  readonly output: Output;
  readonly encoder = new HpackEncoder();
  /** What the peer lets us send on all streams together. */
  window: number = defaultWindowBytes;
  /** Bytes in the queues of all streams. */
  queuedBytes = 0;
  /** Bytes the byte stream had not got rid of after the last flush. */
  socketBytes = 0;
  /** Header blocks ever sent. */
  sentBlocks = 0;
  /** What the windows of the connection have ever let us send. */
  #grantedBytes: number = defaultWindowBytes;
  /** The peer's SETTINGS_INITIAL_WINDOW_SIZE and SETTINGS_MAX_FRAME_SIZE. */
  initialStreamWindow: number = defaultWindowBytes;
  maxFrameBytes: number = minMaxFrameBytes;
  /** The largest header list that the peer takes (SETTINGS_MAX_HEADER_LIST_SIZE); callers see to it. */
  maxHeaderListBytes: number = Number.POSITIVE_INFINITY;
  readonly #owner: SenderOwner;
  readonly #limits: Limits;
  readonly #templates = new Map<HeaderTemplate, EncodedTemplate>();
  /** Streams with output that only the connection's window or the socket holds up. */
  #line: H2Stream[] = [];
  #drainWaiters: H2Stream[] = [];
  #isResuming = false;
  /** The DATA frame written last, while it may grow: whose it is, and where its payload begins. */
  #tailId = 0;
  #tailAt = 0;

  constructor(owner: SenderOwner, output: Output, limits: Limits) {
    this.#owner = owner;
    this.output = output;
    this.#limits = limits;
  }

  /** Output has piled up: new calls should wait. */
  get isCongested(): boolean {
    return this.#waitingBytes > this.#limits.connectionSendHighWaterBytes;
  }

  /** The peer has not taken what it asked for before: new calls of others come first. */
  get isBehind(): boolean {
    return this.#waitingBytes > this.#limits.streamSendHighWaterBytes;
  }

  /** Bytes of DATA ever sent. */
  get sentBytes(): number {
    return this.#grantedBytes - this.window;
  }

  get #waitingBytes(): number {
    return this.queuedBytes + this.output.pendingBytes + this.socketBytes;
  }

  /**
   * True: the stream may go on sending. False: `StreamSink.onDrain` will follow. Already a full socket says
   * false, since a producer that waits for it costs nothing, and what it piled up would have to be kept.
   */
  mayGoOn(stream: H2Stream): boolean {
    const isBelow =
      stream.queuedBytes <= this.#limits.streamSendHighWaterBytes &&
      this.queuedBytes <= this.#limits.connectionSendHighWaterBytes &&
      !this.#isSocketFull();
    if (isBelow) return true;
    if (!stream.wantsDrain) {
      stream.wantsDrain = true;
      this.#drainWaiters.push(stream);
    }
    return false;
  }

  /** A frame without flow control; returns the offset of its payload in `output.buffer`. */
  writeFrame(length: number, type: number, flags: number, streamId: number): number {
    const at = this.output.reserve(frameHeaderBytes + length);
    this.#owner.onOutput();
    return writeFrameHeader(this.output.buffer, at, length, type, flags, streamId);
  }

  writeUint32Frame(type: number, streamId: number, value: number): void {
    const at = this.writeFrame(4, type, 0, streamId);
    writeUint32(this.output.buffer, at, value);
  }

  /** Sends a header block now; nothing of the stream may be queued before it. */
  sendHeaders(stream: H2Stream, fields: readonly HeaderField[], endStream: boolean): void {
    this.#writeBlock(stream, this.encoder.encode(fields), endStream);
  }

  /** The same for fields that are sent often: they are encoded once. `extra` fields follow them. */
  sendTemplate(
    stream: H2Stream,
    template: HeaderTemplate,
    endStream: boolean,
    extra: readonly HeaderField[] = noFields,
  ): void {
    const { encoder } = this;
    const { version } = encoder;
    let known = this.#templates.get(template);
    if (known === undefined || known.version !== version) {
      const bytes = encoder.encode(template.fields).slice();
      known = { version, bytes };
      if (version === encoder.version) this.#templates.set(template, known);
    }
    if (extra.length === 0) {
      this.#writeBlock(stream, known.bytes, endStream);
    } else {
      const rest = encoder.encode(extra);
      this.#writeBlock(stream, Buffer.concat([known.bytes, rest]), endStream);
    }
  }

  /**
   * Makes room for body bytes that may go out now, in a DATA frame of their own or behind those that the
   * last one holds, and charges the windows. Returns their offset in `output.buffer`, or -1: then they
   * must be queued. With `isLast` the frame bears END_STREAM, and `endSent` must follow.
   */
  reserveData(stream: H2Stream, length: number, isLast = false): number {
    if (
      length > this.maxFrameBytes ||
      length > stream.sendWindow ||
      length > this.window ||
      stream.queuedBytes > 0 ||
      this.#isSocketFull()
    ) {
      return -1;
    }
    const behind = this.reserveBehind(stream, length);
    if (behind >= 0) {
      if (isLast) this.#endTail();
      return behind;
    }
    stream.sendWindow -= length;
    this.window -= length;
    if (isLast) return this.writeFrame(length, FrameType.data, Flag.endStream, stream.id);
    const { output } = this;
    const from = output.reserve(frameHeaderBytes + length);
    const at = writeFrameHeader(output.buffer, from, length, FrameType.data, 0, stream.id);
    this.#tailId = stream.id;
    this.#tailAt = at;
    output.allowGrowth(this.#roomBehind(stream, length));
    this.#owner.onMessage();
    return at;
  }

  /**
   * The quick way of `reserveData`, for a stream that sends much: room behind what the last DATA frame
   * holds, if that is the stream's and no limit is near. It may go on afterwards, as `mayGoOn` would say.
   * Returns the offset in `output.buffer`, or -1: nothing was done.
   */
  reserveBehind(stream: H2Stream, length: number): number {
    const { output } = this;
    if (this.#tailId !== stream.id) return -1;
    const at = output.grow(length);
    if (at < 0) return -1;
    const tailAt = this.#tailAt;
    writeFrameLength(output.buffer, tailAt - frameHeaderBytes, at + length - tailAt);
    stream.sendWindow -= length;
    this.window -= length;
    return at;
  }

  /** The frame that was reserved last bears END_STREAM, and is complete. */
  endSent(stream: H2Stream): void {
    this.#owner.onEndSent(stream);
  }

  /** Queues body bytes, which must not change any more; `pump` follows. */
  enqueue(stream: H2Stream, bytes: Uint8Array): void {
    this.output.endGrowth();
    stream.queue ??= new ByteQueue();
    stream.queue.push(bytes);
    this.queuedBytes += bytes.length;
    this.#owner.onQueued(bytes.length);
  }

  /**
   * Queues so many body bytes, to be written at once at the offset returned, in `block` of the stream's
   * queue; `pump` follows.
   */
  reserveQueued(stream: H2Stream, length: number): number {
    this.output.endGrowth();
    stream.queue ??= new ByteQueue();
    this.queuedBytes += length;
    this.#owner.onQueued(length);
    return stream.queue.reserve(length);
  }

  /** Ends our side of the stream, behind what is queued. */
  end(stream: H2Stream, trailers: readonly HeaderField[] | undefined): void {
    if (stream.queuedBytes > 0) {
      stream.endsAfterQueue = true;
      stream.trailers = trailers;
    } else {
      this.#writeEnd(stream, trailers);
    }
  }

  /** Sends what the windows and the socket take of a stream's queue, now or when its turn comes. */
  pump(stream: H2Stream): void {
    if (stream.isWaiting || stream.queuedBytes === 0 || stream.sendWindow <= 0) return;
    stream.isWaiting = true;
    this.#line.push(stream);
    if (this.#line.length === 1) this.resume();
  }

  /** Goes on after a window has opened or the socket has drained. */
  resume(): void {
    if (this.#isResuming) return;
    this.#isResuming = true;
    let head = 0;
    // Taking turns: whoever has more to send joins the end of the line.
    while (head < this.#line.length && this.window > 0 && !this.#isSocketFull()) {
      const stream = this.#line[head] as H2Stream;
      head += 1;
      stream.isWaiting = false;
      if (!stream.closed) this.#sendOneFrame(stream);
    }
    if (head > 0) this.#line = this.#line.slice(head);
    this.#isResuming = false;
    if (this.#drainWaiters.length > 0) this.#tellDrained();
  }

  /** True while streams stand in line, or wait to be told; `resume` lets them go on. */
  get hasLine(): boolean {
    return (this.#line.length > 0 && this.window > 0) || this.#drainWaiters.length > 0;
  }

  /** Forgets what a stream that is closed had queued. */
  forget(stream: H2Stream): void {
    if (stream.queue === undefined) return;
    this.queuedBytes -= stream.queue.size;
    stream.queue = undefined;
  }

  /** The stream's window grew; false when it overflows. */
  openStreamWindow(stream: H2Stream, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > maxWindowBytes) return false;
    this.pump(stream);
    return true;
  }

  /** The connection's window grew; false when it overflows. */
  openWindow(increment: number): boolean {
    this.window += increment;
    this.#grantedBytes += increment;
    if (this.window > maxWindowBytes) return false;
    this.resume();
    return true;
  }

  /** Takes over what the peer's SETTINGS say; false when a stream's window overflows. */
  applySettings(settings: PeerSettings, streams: Iterable<H2Stream>): boolean {
    this.output.endGrowth();
    const { smallestTableBytes, tableBytes, initialWindowBytes } = settings;
    if (smallestTableBytes !== undefined && tableBytes !== undefined) {
      this.encoder.allowTableBytes(smallestTableBytes);
      this.encoder.allowTableBytes(tableBytes);
    }
    this.maxFrameBytes = settings.maxFrameBytes ?? this.maxFrameBytes;
    this.maxHeaderListBytes = settings.maxHeaderListBytes ?? this.maxHeaderListBytes;
    if (initialWindowBytes === undefined) return true;
    const change = initialWindowBytes - this.initialStreamWindow;
    this.initialStreamWindow = initialWindowBytes;
    for (const stream of streams) {
      if (!this.openStreamWindow(stream, change)) return false;
    }
    return true;
  }

  /** Bytes that every limit lets the stream put behind the DATA frame just written. */
  #roomBehind(stream: H2Stream, frameBytes: number): number {
    const { output } = this;
    const { socketHighWaterBytes, connectionSendHighWaterBytes } = this.#limits;
    if (this.queuedBytes > connectionSendHighWaterBytes) return 0;
    return Math.max(
      0,
      Math.min(
        this.maxFrameBytes - frameBytes,
        stream.sendWindow,
        this.window,
        socketHighWaterBytes - output.pendingBytes - this.socketBytes,
      ),
    );
  }

  /** The DATA frame written last is the last of its stream. */
  #endTail(): void {
    const { output } = this;
    output.buffer[this.#tailAt - frameHeaderBytes + 4] = Flag.endStream;
    output.endGrowth();
    this.#owner.onOutput();
  }

  /** What was handed on has not been taken: DATA must wait. */
  #isSocketFull(): boolean {
    return this.output.pendingBytes + this.socketBytes > this.#limits.socketHighWaterBytes;
  }

  #sendOneFrame(stream: H2Stream): void {
    const { queue } = stream;
    if (queue === undefined) return;
    let left = Math.min(this.maxFrameBytes, queue.size, stream.sendWindow, this.window);
    if (left <= 0) return;
    stream.sendWindow -= left;
    this.window -= left;
    this.queuedBytes -= left;
    const isLast = left === queue.size;
    const endsHere = isLast && stream.endsAfterQueue && stream.trailers === undefined;
    const at = this.output.reserve(frameHeaderBytes);
    const flags = endsHere ? Flag.endStream : 0;
    writeFrameHeader(this.output.buffer, at, left, FrameType.data, flags, stream.id);
    this.#owner.onOutput();
    while (left > 0) {
      const piece = queue.shift(left) as Uint8Array;
      left -= piece.length;
      this.output.append(piece);
    }
    if (!isLast) {
      if (stream.sendWindow > 0) {
        stream.isWaiting = true;
        this.#line.push(stream);
      }
    } else if (endsHere) {
      this.#owner.onEndSent(stream);
    } else if (stream.endsAfterQueue) {
      this.#writeEnd(stream, stream.trailers);
    }
  }

  #writeEnd(stream: H2Stream, trailers: readonly HeaderField[] | undefined): void {
    if (trailers === undefined) {
      this.writeFrame(0, FrameType.data, Flag.endStream, stream.id);
      this.#owner.onEndSent(stream);
    } else {
      this.sendHeaders(stream, trailers, true);
    }
  }

  #writeBlock(stream: H2Stream, block: Uint8Array, endStream: boolean): void {
    const endFlag = endStream ? Flag.endStream : 0;
    this.sentBlocks += 1;
    const { length } = block;
    if (length <= this.maxFrameBytes) {
      const flags = Flag.endHeaders | endFlag;
      const at = this.writeFrame(length, FrameType.headers, flags, stream.id);
      const { buffer } = this.output;
      for (let i = 0; i < length; i++) buffer[at + i] = block[i] as number;
    } else {
      this.#writeLongBlock(stream.id, block, endFlag);
    }
    if (endStream) this.#owner.onEndSent(stream);
  }

  #writeLongBlock(streamId: number, block: Uint8Array, endFlag: number): void {
    for (let from = 0; from < block.length; from += this.maxFrameBytes) {
      const end = Math.min(block.length, from + this.maxFrameBytes);
      const type = from === 0 ? FrameType.headers : FrameType.continuation;
      const lastFlag = end === block.length ? Flag.endHeaders : 0;
      const flags = lastFlag | (from === 0 ? endFlag : 0);
      const at = this.writeFrame(end - from, type, flags, streamId);
      this.output.buffer.set(block.subarray(from, end), at);
    }
  }

  /** Tells those that wait that they may send. Who fills the socket again waits behind the others. */
  #tellDrained(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    const stillWaiting: H2Stream[] = [];
    for (const stream of waiters) {
      if (stream.closed) continue;
      const isLow =
        stream.queuedBytes * 2 <= this.#limits.streamSendHighWaterBytes &&
        this.queuedBytes * 2 <= this.#limits.connectionSendHighWaterBytes &&
        !this.#isSocketFull();
      if (isLow) {
        stream.wantsDrain = false;
        stream.sink.onDrain();
      } else {
        stillWaiting.push(stream);
      }
    }
    this.#drainWaiters = stillWaiting.concat(this.#drainWaiters);
  }
}

const noFields: readonly HeaderField[] = [];
