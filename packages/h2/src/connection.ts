import type { Duplex } from 'node:stream';
import type { Clock } from './clock.ts';
import { H2Error } from './errors.ts';
import { FloodGuard } from './flood-guard.ts';
import { FrameReader } from './frame-reader.ts';
import {
  clientPreface,
  defaultHeaderTableBytes,
  ErrorCode,
  Flag,
  FrameType,
  maxStreamId,
  readUint32,
  SettingId,
  writeUint32,
} from './frames.ts';
import { HeaderAssembler } from './header-assembler.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import type { HeaderBlock } from './hpack/header-block.ts';
import { HeaderField } from './hpack/header-field.ts';
import { HeaderTemplate } from './hpack/header-template.ts';
import { invariant } from './invariant.ts';
import type { Limits } from './limits.ts';
import { Output } from './output.ts';
import { ReceiveFlow } from './receive-flow.ts';
import { areTrailers, type RequestHead, requestHeadOf } from './request-head.ts';
import { Sender } from './sender.ts';
import { readSettings, settingsPayload } from './settings.ts';
import type { SlabPool } from './slab-pool.ts';
import { H2Stream, type StreamSink } from './stream.ts';
import { StreamIds } from './stream-ids.ts';
import type { TurnQueue } from './turn-queue.ts';

/** Who a connection works for. */
export interface Endpoint {
  /** A server's new request; it must set the stream's sink. A client is never asked. */
  onRequest(stream: H2Stream, head: RequestHead, endStream: boolean): void;
  /** The peer will take no more streams above `lastStreamId`. */
  onGoaway(lastStreamId: number, errorCode: number): void;
  /** The peer's SETTINGS have come, the first time or again. */
  onSettings(): void;
  /** Nothing more will happen on the streams; `error` is undefined after an orderly end. */
  onEnd(error: H2Error | undefined): void;
  /** The byte stream is gone. */
  onClosed(): void;
  /** Output may have fallen below the limits. */
  onRelief(): void;
  bytesReceived(bytes: number): void;
  bytesSent(bytes: number): void;
}

/** What connections of one server or client share. */
export interface ConnectionEnvironment {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly pool: SlabPool;
  readonly turn: TurnQueue;
}

const keepalivePing = Buffer.from('kvorumka', 'latin1');
const drainPing = Buffer.from('kvorumdr', 'latin1');

/** Until a sink is set. */
const noSink: StreamSink = {
  onHeaders: () => {},
  onData: () => {},
  onEnd: () => {},
  onDrain: () => {},
  onStreamLost: () => {},
  onSweep: () => {},
};

/**
 * One HTTP/2 connection, either end (RFC 9113): reads frames from a byte stream, keeps streams, windows
 * and header tables, and answers every breach of the rules with the error the RFC asks for. It knows
 * nothing of gRPC. Everything happens synchronously, within the byte stream's events.
 */
export class H2Connection {
  readonly peer: string;
  readonly stream: Duplex;
  readonly limits: Limits;
  readonly sender: Sender;
  readonly streams = new Map<number, H2Stream>();
  readonly isServer: boolean;
  /** The clock when the last bytes arrived. */
  nowMs: number;
  /** The peer's SETTINGS_MAX_CONCURRENT_STREAMS, for a client. */
  peerMaxStreams: number = Number.POSITIVE_INFINITY;
  /** Bytes of unfinished and waiting messages, counted by the layer above. */
  bufferedBytes = 0;
  /** No frame is read or written any more; the byte stream is being closed. */
  ended = false;
  /** The byte stream is gone. */
  closed = false;
  /** The peer's first SETTINGS have arrived. */
  greeted = false;
  /** Moments in the clock's ms: the beginning, the last stream's end, GOAWAY, the end. */
  readonly openedAtMs: number;
  idleSinceMs: number;
  drainingSinceMs = 0;
  endedAtMs = 0;
  readonly #environment: ConnectionEnvironment;
  readonly #endpoint: Endpoint;
  readonly #output: Output;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder;
  readonly #headers: HeaderAssembler;
  readonly #ids: StreamIds;
  readonly #flow: ReceiveFlow;
  readonly #floods: FloodGuard;
  /** While a chunk is being read, flushing waits for its end. */
  #isReading = false;
  #isInTurn = false;
  #isPaused = false;
  #drain: 'no' | 'announced' | 'final' = 'no';
  // The DATA frame being read.
  #dataStream: H2Stream | undefined = undefined;
  #dataFlags = 0;

  constructor(
    environment: ConnectionEnvironment,
    endpoint: Endpoint,
    stream: Duplex,
    isServer: boolean,
    peer: string,
  ) {
    const { limits, clock } = environment;
    this.#environment = environment;
    this.#endpoint = endpoint;
    this.peer = peer;
    this.stream = stream;
    this.limits = limits;
    this.isServer = isServer;
    this.nowMs = clock.now();
    this.openedAtMs = this.nowMs;
    this.idleSinceMs = this.nowMs;
    this.#output = new Output(stream, environment.pool);
    this.sender = new Sender(this, this.#output, limits);
    this.#reader = new FrameReader(this, limits.maxFrameBytes, isServer);
    this.#decoder = new HpackDecoder(limits, defaultHeaderTableBytes);
    this.#headers = new HeaderAssembler(limits);
    this.#ids = new StreamIds(isServer);
    this.#flow = new ReceiveFlow(this.sender, limits);
    this.#floods = new FloodGuard(limits, this.nowMs);
  }

  /** Sends our side of the handshake and begins to read, `firstBytes` before all else. */
  start(firstBytes?: Uint8Array): void {
    const { stream } = this;
    stream.on('data', (chunk: Uint8Array) => this.#onChunk(chunk));
    stream.on('end', () => this.#onPeerGone(undefined));
    stream.on('error', (error: Error) => this.#onPeerGone(error));
    stream.on('close', () => this.#onClosed());
    stream.on('drain', () => this.#onSocketDrain());
    this.#writeHandshake();
    if (firstBytes !== undefined && firstBytes.length > 0) this.#onChunk(firstBytes);
    else this.flush();
  }

  get activeStreams(): number {
    return this.streams.size;
  }

  /** Waiting for the peer to have heard of our going. */
  get isDrainAnnounced(): boolean {
    return this.#drain === 'announced';
  }

  /** When the header block that is under way began, in the clock's ms; -1: none is. */
  get blockBegunAtMs(): number {
    return this.#headers.streamId === 0 ? -1 : this.#headers.begunAtMs;
  }

  /** The connection takes, or makes, no new streams. */
  get isDraining(): boolean {
    return this.#drain !== 'no' || this.ended;
  }

  /** A client's new stream; undefined when identifiers have run out or the connection is ending. */
  openStream(sink: StreamSink): H2Stream | undefined {
    if (this.isDraining) return undefined;
    const id = this.#ids.allocate();
    if (id !== undefined) return this.#addStream(id, sink);
    // Another connection has to take over.
    this.drain();
    return undefined;
  }

  /** Resets a stream, for reasons of our own, and closes its slot without a word to the sink. */
  resetStream(stream: H2Stream, errorCode: number): void {
    if (stream.closed) return;
    this.#writeReset(stream.id, errorCode);
    this.#closeStream(stream);
  }

  /** Gives bytes back that a sink with `holdsReceived` has dealt with. */
  releaseReceived(stream: H2Stream, bytes: number): void {
    if (stream.closed) return;
    invariant(bytes <= stream.heldBytes, 'no more is released than was held');
    stream.heldBytes -= bytes;
    this.#flow.acknowledgeOn(stream, bytes);
  }

  /** Takes no new streams; those that run may finish, and then the connection closes. */
  drain(): void {
    if (this.isDraining) return;
    this.#drain = 'announced';
    this.drainingSinceMs = this.#environment.clock.now();
    // Streams under way to us are still welcome; the PING's answer tells when none can be left.
    this.#writeGoaway(maxStreamId, ErrorCode.noError, '');
    if (this.isServer) this.#writePing(drainPing);
    else this.finishDrain();
  }

  /** Ends the connection with GOAWAY; what runs on it is aborted. */
  end(errorCode: number, text: string, error: H2Error | undefined): void {
    if (this.ended) return;
    this.#writeGoaway(this.#ids.lastOpened, errorCode, text);
    this.#finish(error);
  }

  /** Writes everything that has gathered; called at the end of a turn. */
  flush(): void {
    this.#isInTurn = false;
    if (this.ended) return;
    const { sender } = this;
    do {
      const bytes = this.#output.pendingBytes;
      if (bytes === 0) break;
      this.#output.flush();
      this.#endpoint.bytesSent(bytes);
      sender.socketBytes = this.stream.writableLength;
      if (sender.hasLine) sender.resume();
    } while (!this.ended);
    if (sender.socketBytes > this.limits.connectionSendHighWaterBytes && !this.#isPaused) {
      // It takes nothing from us, so we take nothing from it.
      this.#isPaused = true;
      this.stream.pause();
    }
    this.#endpoint.onRelief();
  }

  // What the sender reports.

  onOutput(): void {
    if (this.#isReading || this.#isInTurn) return;
    this.#isInTurn = true;
    this.#environment.turn.add(this);
  }

  onEndSent(stream: H2Stream): void {
    stream.localClosed = true;
    if (stream.remoteClosed) {
      this.#closeStream(stream);
    } else if (this.isServer) {
      // The answer is complete; the rest of the question is not needed (RFC 9113 §8.1).
      this.#writeReset(stream.id, ErrorCode.noError);
      this.#closeStream(stream);
    }
  }

  // What the frame reader finds.

  onBadFrame(errorCode: number, text: string): void {
    this.#fail(errorCode, text);
  }

  onDataBegin(streamId: number, flags: number, flowBytes: number, dataBytes: number) {
    this.#dataStream = undefined;
    this.#dataFlags = flags;
    if (!this.#isFrameExpected(FrameType.data, streamId)) return;
    if (streamId === 0) return this.#fail(ErrorCode.protocolError, 'DATA on stream 0');
    if (!this.#flow.take(flowBytes)) {
      return this.#fail(ErrorCode.flowControlError, 'the connection window is exceeded');
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) return this.#onStrayData(streamId, flowBytes - dataBytes);
    this.#flow.acknowledge(flowBytes - dataBytes);
    if (stream.remoteClosed) return this.#abortStream(stream, ErrorCode.streamClosed);
    stream.receivedAtMs = this.nowMs;
    if (!this.#flow.takeOn(stream, flowBytes)) {
      return this.#abortStream(stream, ErrorCode.flowControlError);
    }
    stream.unacknowledged += flowBytes - dataBytes;
    if (stream.promisedBytes >= 0) {
      stream.promisedBytes -= dataBytes;
      if (stream.promisedBytes < 0) return this.#abortStream(stream, ErrorCode.protocolError);
    }
    if (dataBytes === 0 && (flags & Flag.endStream) === 0 && !this.#allowIdleFrame()) return;
    this.#dataStream = stream;
  }

  onDataBytes(bytes: Buffer, start: number, end: number): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.closed) {
      this.#flow.acknowledge(end - start);
      return;
    }
    stream.sink.onData(bytes, start, end);
    if (stream.closed) this.#flow.acknowledge(end - start);
    else if (stream.holdsReceived) stream.heldBytes += end - start;
    else this.#flow.acknowledgeOn(stream, end - start);
  }

  onDataEnd(): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.closed) return;
    this.#dataStream = undefined;
    if ((this.#dataFlags & Flag.endStream) !== 0) this.#endRemote(stream);
  }

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ) {
    if (!this.#isFrameExpected(type, streamId)) return;
    switch (type) {
      case FrameType.headers:
        return this.#onHeaders(streamId, flags, bytes, start, end);
      case FrameType.continuation:
        return this.#onContinuation(flags, bytes, start, end);
      case FrameType.windowUpdate:
        return this.#onWindowUpdate(streamId, bytes, start, end);
      case FrameType.rstStream:
        return this.#onReset(streamId, bytes, start, end);
      case FrameType.settings:
        return this.#onSettings(streamId, flags, bytes, start, end);
      case FrameType.ping:
        return this.#onPing(streamId, flags, bytes, start, end);
      case FrameType.goaway:
        return this.#onGoaway(streamId, bytes, start, end);
      case FrameType.priority:
        return this.#onPriority(streamId, end - start);
      case FrameType.pushPromise:
        return this.#fail(ErrorCode.protocolError, 'PUSH_PROMISE is not allowed');
      default:
        this.#allowIdleFrame();
    }
  }

  /** Asks the peer for a sign of life; any byte from it will do. */
  writeKeepalivePing(): void {
    this.#writePing(keepalivePing);
  }

  /** Ends the connection because the peer was silent for too long. */
  timeOut(text: string): void {
    this.end(ErrorCode.noError, text, new H2Error('timeout', text));
  }

  /** The peer had its time to learn of our going: streams it opens from now on are ignored. */
  finishDrain(): void {
    if (this.#drain === 'final' || this.ended) return;
    this.#drain = 'final';
    this.#ids.acceptNoMore();
    if (this.isServer) this.#writeGoaway(this.#ids.lastOpened, ErrorCode.noError, '');
    if (this.streams.size === 0) this.#finish(undefined);
  }

  #onChunk(chunk: Uint8Array): void {
    if (this.ended) return;
    this.nowMs = this.#environment.clock.now();
    this.#endpoint.bytesReceived(chunk.length);
    this.#isReading = true;
    try {
      this.#reader.push(asBuffer(chunk));
    } catch (error) {
      // A bug in a handler. What else the chunk held is lost, so the connection cannot go on.
      this.#finish(new H2Error('closed', 'a handler threw', ErrorCode.internalError, error));
      this.stream.destroy();
      throw error;
    } finally {
      this.#isReading = false;
    }
    if (!this.ended) this.flush();
  }

  #onSocketDrain(): void {
    this.sender.socketBytes = this.stream.writableLength;
    if (this.#isPaused && !this.ended) {
      this.#isPaused = false;
      this.stream.resume();
    }
    if (this.ended) return;
    this.sender.resume();
    this.flush();
  }

  /** The byte stream has failed, or the peer has ended its side of it. */
  #onPeerGone(cause: Error | undefined): void {
    if (this.ended) return;
    // Nobody loses anything by it; many clients leave so.
    const isOrderly = this.streams.size === 0 && (cause === undefined || this.greeted);
    this.#finish(
      isOrderly
        ? undefined
        : new H2Error('transport', cause?.message ?? 'the peer has gone', undefined, cause),
    );
  }

  #onClosed(): void {
    if (this.closed) return;
    this.#onPeerGone(undefined);
    this.closed = true;
    this.#endpoint.onClosed();
  }

  #writeHandshake(): void {
    const { limits } = this;
    if (!this.isServer) this.#output.append(clientPreface);
    const entries: [number, number][] = [
      [SettingId.initialWindowSize, limits.streamWindowBytes],
      [SettingId.maxFrameSize, limits.maxFrameBytes],
      [SettingId.maxHeaderListSize, limits.maxHeaderListBytes],
    ];
    if (this.isServer) entries.push([SettingId.maxConcurrentStreams, limits.maxConcurrentStreams]);
    else entries.push([SettingId.enablePush, 0]);
    const payload = settingsPayload(entries);
    const at = this.sender.writeFrame(payload.length, FrameType.settings, 0, 0);
    this.#output.buffer.set(payload, at);
    this.#flow.open();
  }

  // Streams.

  #addStream(id: number, sink: StreamSink): H2Stream {
    const sendWindow = this.sender.initialStreamWindow;
    const receiveWindow = this.limits.streamWindowBytes;
    const stream = new H2Stream(id, this, sink, sendWindow, receiveWindow, this.nowMs);
    this.streams.set(id, stream);
    return stream;
  }

  #closeStream(stream: H2Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    this.sender.forget(stream);
    if (stream.heldBytes > 0) this.#flow.acknowledge(stream.heldBytes);
    if (this.streams.size > 0) return;
    this.idleSinceMs = this.nowMs;
    if (this.#drain === 'final' && !this.ended) this.#finish(undefined);
  }

  /** The peer broke a rule on this stream, which ends it (RFC 9113 §5.4.2). */
  #abortStream(stream: H2Stream, errorCode: number): void {
    this.#writeReset(stream.id, errorCode);
    this.#closeStream(stream);
    stream.sink.onStreamLost('reset', errorCode);
    this.#countReset();
  }

  /** Resets a stream that has no slot. */
  #refuse(streamId: number, errorCode: number): void {
    this.#writeReset(streamId, errorCode);
    this.#countReset();
  }

  #writeReset(streamId: number, errorCode: number): void {
    this.sender.writeUint32Frame(FrameType.rstStream, streamId, errorCode);
    this.#ids.rememberReset(streamId);
  }

  #countReset(): void {
    if (this.#floods.allowsReset(this.nowMs)) return;
    this.#fail(ErrorCode.enhanceYourCalm, 'too many streams were reset', 'limit');
  }

  /** False, and the connection is ended, when frames that carry nothing come too often. */
  #allowIdleFrame(): boolean {
    if (this.#floods.allowsIdleFrame(this.nowMs)) return true;
    this.#fail(ErrorCode.enhanceYourCalm, 'too many frames without use', 'limit');
    return false;
  }

  #endRemote(stream: H2Stream) {
    if (stream.promisedBytes > 0) return this.#abortStream(stream, ErrorCode.protocolError);
    stream.remoteClosed = true;
    stream.sink.onEnd();
    if (stream.localClosed) this.#closeStream(stream);
  }

  // Frames.

  /** DATA for a stream that is not open. */
  #onStrayData(streamId: number, paddingBytes: number) {
    const state = this.#ids.stateOf(streamId);
    if (state === 'idle') return this.#fail(ErrorCode.protocolError, 'DATA on an idle stream');
    this.#flow.acknowledge(paddingBytes);
    if (state !== 'ignored') this.#refuse(streamId, ErrorCode.streamClosed);
  }

  /** SETTINGS come first; inside a header block nothing but its CONTINUATION (RFC 9113 §3.4, §4.3). */
  #isFrameExpected(type: number, streamId: number): boolean {
    if (!this.greeted && type !== FrameType.settings) {
      this.#fail(ErrorCode.protocolError, 'the first frame is not SETTINGS');
      return false;
    }
    const blockStreamId = this.#headers.streamId;
    const isContinuation = type === FrameType.continuation;
    if (
      isContinuation === (blockStreamId !== 0) &&
      (!isContinuation || streamId === blockStreamId)
    ) {
      return true;
    }
    this.#fail(
      ErrorCode.protocolError,
      blockStreamId === 0 ? 'CONTINUATION of nothing' : 'a header block is interrupted',
    );
    return false;
  }

  #onHeaders(streamId: number, flags: number, bytes: Buffer, start: number, end: number) {
    if (streamId === 0) return this.#fail(ErrorCode.protocolError, 'HEADERS on stream 0');
    const headers = this.#headers;
    const fault = headers.begin(streamId, flags, bytes, start, end, this.nowMs);
    if (fault !== undefined) return this.#fail(fault.errorCode, fault.text);
    if (headers.isComplete) this.#onBlock();
  }

  #onContinuation(flags: number, bytes: Buffer, start: number, end: number) {
    const fault = this.#headers.continue(flags, bytes, start, end);
    if (fault !== undefined) return this.#fail(fault.errorCode, fault.text, 'limit');
    if (this.#headers.isComplete) this.#onBlock();
  }

  #onBlock() {
    const headers = this.#headers;
    const { streamId, endStream } = headers;
    let block: HeaderBlock;
    try {
      // Even a block for nobody must be decoded, to keep the tables of both ends the same.
      block = this.#decoder.decode(headers.bytes, headers.start, headers.end);
    } catch (error) {
      invariant(error instanceof H2Error, 'the decoder throws nothing else');
      return this.#fail(ErrorCode.compressionError, error.message);
    }
    headers.clear();
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#onLaterBlock(stream, block, endStream);
    else this.#onFirstBlock(streamId, block, endStream);
  }

  /** Trailers of a request; in a client, the response's headers or trailers. */
  #onLaterBlock(stream: H2Stream, block: HeaderBlock, endStream: boolean) {
    if (stream.remoteClosed) return this.#abortStream(stream, ErrorCode.streamClosed);
    stream.receivedAtMs = this.nowMs;
    if (this.isServer && (!endStream || !areTrailers(block))) {
      return this.#abortStream(stream, ErrorCode.protocolError);
    }
    stream.sink.onHeaders(block, endStream);
    if (endStream && !stream.closed) this.#endRemote(stream);
  }

  /** A block for no open stream: a server's new request, or else a mistake. */
  #onFirstBlock(streamId: number, block: HeaderBlock, endStream: boolean) {
    const state = this.#ids.stateOf(streamId);
    if (state === 'ignored') return;
    if (state === 'closed') return this.#fail(ErrorCode.streamClosed, 'HEADERS on a closed stream');
    if (!this.isServer) return this.#fail(ErrorCode.protocolError, 'HEADERS on an idle stream');
    if ((streamId & 1) === 0) return this.#fail(ErrorCode.protocolError, 'an even stream id');
    if (state === 'skipped') return this.#fail(ErrorCode.protocolError, 'stream ids must grow');
    this.#onRequest(streamId, block, endStream);
  }

  #onRequest(streamId: number, block: HeaderBlock, endStream: boolean) {
    this.#ids.open(streamId);
    if (this.streams.size >= this.limits.maxConcurrentStreams) {
      return this.#refuse(streamId, ErrorCode.refusedStream);
    }
    const head = block.tooLarge ? undefined : requestHeadOf(block);
    if (head === undefined && !block.tooLarge) {
      return this.#refuse(streamId, ErrorCode.protocolError);
    }
    const stream = this.#addStream(streamId, noSink);
    if (head === undefined) {
      this.sender.sendTemplate(stream, tooLargeTemplate, true);
      return;
    }
    stream.promisedBytes = head.contentLength;
    this.#endpoint.onRequest(stream, head, endStream);
    if (endStream && !stream.closed) this.#endRemote(stream);
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number) {
    if (end - start !== 4) return this.#fail(ErrorCode.frameSizeError, 'WINDOW_UPDATE size');
    const increment = readUint32(bytes, start) & 0x7fff_ffff;
    if (streamId === 0) {
      if (increment === 0) return this.#fail(ErrorCode.protocolError, 'WINDOW_UPDATE by 0');
      if (!this.sender.openWindow(increment)) {
        this.#fail(ErrorCode.flowControlError, 'the connection window overflows');
      }
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.#ids.stateOf(streamId) !== 'idle') return;
      return this.#fail(ErrorCode.protocolError, 'WINDOW_UPDATE on an idle stream');
    }
    if (increment === 0) return this.#abortStream(stream, ErrorCode.protocolError);
    if (!this.sender.openStreamWindow(stream, increment)) {
      this.#abortStream(stream, ErrorCode.flowControlError);
    }
  }

  #onReset(streamId: number, bytes: Buffer, start: number, end: number) {
    if (end - start !== 4) return this.#fail(ErrorCode.frameSizeError, 'RST_STREAM size');
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      const isIdle = this.#ids.stateOf(streamId) === 'idle';
      if (isIdle) this.#fail(ErrorCode.protocolError, 'RST_STREAM on an idle stream');
      else if (this.isServer) this.#allowIdleFrame();
      return;
    }
    this.#closeStream(stream);
    stream.sink.onStreamLost('reset', readUint32(bytes, start));
    if (this.isServer) this.#countReset();
  }

  #onSettings(streamId: number, flags: number, bytes: Buffer, start: number, end: number) {
    if (streamId !== 0) return this.#fail(ErrorCode.protocolError, 'SETTINGS on a stream');
    const isAck = (flags & Flag.ack) !== 0;
    if (isAck ? end !== start : (end - start) % 6 !== 0) {
      return this.#fail(ErrorCode.frameSizeError, 'SETTINGS size');
    }
    if (isAck) {
      if (!this.greeted) return this.#fail(ErrorCode.protocolError, 'SETTINGS begin with an ACK');
      this.#allowIdleFrame();
      return;
    }
    if (this.greeted && !this.#allowIdleFrame()) return;
    const settings = readSettings(bytes, start, end);
    if ('errorCode' in settings) return this.#fail(settings.errorCode, settings.text);
    this.greeted = true;
    if (!this.isServer && settings.enablePush === 1) {
      return this.#fail(ErrorCode.protocolError, 'a server may not enable push');
    }
    this.peerMaxStreams = settings.maxConcurrentStreams ?? this.peerMaxStreams;
    if (!this.sender.applySettings(settings, this.streams.values())) {
      return this.#fail(ErrorCode.flowControlError, 'a stream window overflows');
    }
    this.sender.writeFrame(0, FrameType.settings, Flag.ack, 0);
    this.#endpoint.onSettings();
  }

  #onPing(streamId: number, flags: number, bytes: Buffer, start: number, end: number) {
    if (streamId !== 0) return this.#fail(ErrorCode.protocolError, 'PING on a stream');
    if (end - start !== 8) return this.#fail(ErrorCode.frameSizeError, 'PING size');
    if ((flags & Flag.ack) !== 0) {
      const isDrain = this.#drain === 'announced' && drainPing.equals(bytes.subarray(start, end));
      if (isDrain) this.finishDrain();
      else this.#allowIdleFrame();
      return;
    }
    const sent = this.sender.sentBlocks + this.sender.sentBytes;
    const activeStreams = this.isServer ? this.streams.size : undefined;
    if (this.#floods.allowsPing(this.nowMs, activeStreams, sent)) {
      const at = this.sender.writeFrame(8, FrameType.ping, Flag.ack, 0);
      bytes.copy(this.#output.buffer, at, start, end);
      return;
    }
    this.#fail(ErrorCode.enhanceYourCalm, 'too_many_pings', 'limit');
  }

  #onGoaway(streamId: number, bytes: Buffer, start: number, end: number) {
    if (streamId !== 0) return this.#fail(ErrorCode.protocolError, 'GOAWAY on a stream');
    if (end - start < 8) return this.#fail(ErrorCode.frameSizeError, 'GOAWAY size');
    if (!this.#allowIdleFrame()) return;
    const lastStreamId = readUint32(bytes, start) & 0x7fff_ffff;
    const errorCode = readUint32(bytes, start + 4);
    if (!this.isServer) this.#drain = 'final';
    this.#endpoint.onGoaway(lastStreamId, errorCode);
    if (this.isServer) return;
    for (const stream of [...this.streams.values()]) {
      if (stream.id <= lastStreamId) continue;
      this.#closeStream(stream);
      stream.sink.onStreamLost('refused', errorCode);
    }
    if (this.streams.size === 0) this.#finish(undefined);
  }

  /** Priorities are read and forgotten: RFC 9113 §5.3.2 deprecates them. */
  #onPriority(streamId: number, length: number) {
    if (streamId === 0) return this.#fail(ErrorCode.protocolError, 'PRIORITY on stream 0');
    if (!this.#allowIdleFrame() || length === 5) return;
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#abortStream(stream, ErrorCode.frameSizeError);
    else this.#refuse(streamId, ErrorCode.frameSizeError);
  }

  // Ends.

  #writePing(opaque: Buffer): void {
    const at = this.sender.writeFrame(8, FrameType.ping, 0, 0);
    this.#output.buffer.set(opaque, at);
  }

  #writeGoaway(lastStreamId: number, errorCode: number, text: string): void {
    const debug = Buffer.from(text, 'latin1');
    const at = this.sender.writeFrame(8 + debug.length, FrameType.goaway, 0, 0);
    const { buffer } = this.#output;
    writeUint32(buffer, writeUint32(buffer, at, lastStreamId), errorCode);
    buffer.set(debug, at + 8);
  }

  /** The peer broke a rule that the connection cannot survive (RFC 9113 §5.4.1). */
  #fail(errorCode: number, text: string, code: 'protocol' | 'limit' = 'protocol'): void {
    this.end(errorCode, text, new H2Error(code, text, errorCode));
  }

  #finish(error: H2Error | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.endedAtMs = this.#environment.clock.now();
    this.#reader.stop();
    if (!this.stream.destroyed) {
      this.#endpoint.bytesSent(this.#output.pendingBytes);
      this.#output.flush();
      this.stream.end();
      // What still comes is thrown away, so that the peer gets to read our last words.
      this.stream.resume();
    }
    const streams = [...this.streams.values()];
    this.streams.clear();
    for (const stream of streams) {
      stream.closed = true;
      this.sender.forget(stream);
      stream.sink.onStreamLost('connection', error?.http2Code ?? ErrorCode.noError);
    }
    this.#endpoint.onEnd(error);
  }
}

/** A request whose header list is over the limits is answered so (RFC 9113 §10.5.1, RFC 6585 §5). */
const tooLargeTemplate = new HeaderTemplate([new HeaderField(':status', '431')]);

function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
