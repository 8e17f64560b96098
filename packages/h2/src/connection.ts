import type { Duplex } from 'node:stream';
import type { BufferBudget, BufferHolder } from './buffer-budget.ts';
import type { Clock } from './clock.ts';
import { H2Error } from './errors.ts';
import { FrameReader } from './frame-reader.ts';
import {
  clientPreface,
  ErrorCode,
  FrameType,
  maxStreamId,
  SettingId,
  writeUint32,
} from './frames.ts';
import { Gathering } from './gathering.ts';
import { invariant } from './invariant.ts';
import type { Limits } from './limits.ts';
import { Output } from './output.ts';
import { PacedReader } from './paced-reader.ts';
import { drainPing, PeerFrames } from './peer-frames.ts';
import { ReceiveFlow } from './receive-flow.ts';
import type { RequestHead } from './request-head.ts';
import { Sender } from './sender.ts';
import { settingsPayload } from './settings.ts';
import type { SlabPool } from './slab-pool.ts';
import { H2Stream, type StreamSink } from './stream.ts';
import { StreamIds } from './stream-ids.ts';
import type { HoldingMember, TurnMember, TurnQueue } from './turn-queue.ts';
import type { WorkTurns } from './work-turns.ts';

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
  readonly workTurns: WorkTurns;
  readonly budget: BufferBudget;
}

/** Output that costs as much of a turn as a frame to be read: it was made, and is held. */
export const bytesPerFrame = 4 * 1024;

const keepalivePing = Buffer.from('kvorumka', 'latin1');

/**
 * One HTTP/2 connection, either end (RFC 9113): reads frames from a byte stream, keeps streams, windows
 * and header tables, and answers every breach of the rules with the error the RFC asks for. It knows
 * nothing of gRPC. Everything happens synchronously, within the byte stream's events.
 */
export class H2Connection implements BufferHolder, TurnMember, HoldingMember {
  readonly peer: string;
  readonly stream: Duplex;
  readonly limits: Limits;
  readonly sender: Sender;
  readonly ids: StreamIds;
  readonly flow: ReceiveFlow;
  readonly streams = new Map<number, H2Stream>();
  readonly isServer: boolean;
  /** The clock when the last bytes arrived. */
  nowMs: number;
  /** The peer's SETTINGS_MAX_CONCURRENT_STREAMS, for a client. */
  peerMaxStreams: number = Number.POSITIVE_INFINITY;
  /** Bytes of unfinished and waiting messages, counted by the layer above. */
  bufferedBytes = 0;
  /** Bytes of bodies that nobody has read yet, and the windows hold back. */
  heldBytes = 0;
  /** What the server's budget knows of. */
  notedBytes = 0;
  /** No frame is read or written any more; the byte stream is being closed. */
  ended = false;
  /** The byte stream is gone. */
  closed = false;
  /** The peer's first SETTINGS have arrived. */
  greeted = false;
  /** Moments in the clock's ms: when the peer connected, the last stream's end, GOAWAY, the end. */
  openedAtMs: number;
  idleSinceMs: number;
  drainingSinceMs = 0;
  endedAtMs = 0;
  readonly #environment: ConnectionEnvironment;
  readonly #endpoint: Endpoint;
  readonly #output: Output;
  readonly #reader: PacedReader;
  readonly #frames: PeerFrames;
  /** While a chunk is being read, flushing waits for its end. */
  #isReading = false;
  #isInTurn = false;
  /** Something was written that must not wait for the next turn. */
  #isUrgent = false;
  readonly #gathering: Gathering;
  /** The peer takes none of our output. */
  #isStuffed = false;
  #isPaused = false;
  #drain: 'no' | 'announced' | 'final' = 'no';

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
    this.#gathering = new Gathering(limits.gatherBytes);
    this.#output = new Output(stream, environment.pool);
    this.sender = new Sender(this, this.#output, limits);
    this.ids = new StreamIds(isServer);
    this.flow = new ReceiveFlow(this.sender, limits);
    this.#frames = new PeerFrames(this, endpoint);
    this.#reader = new PacedReader(
      new FrameReader(this.#frames, limits.maxFrameBytes, isServer),
      limits.framesPerTurn,
      environment.workTurns,
      () => this.#read(undefined),
    );
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
    return this.#frames.blockBegunAtMs;
  }

  /** The connection takes, or makes, no new streams. */
  get isDraining(): boolean {
    return this.#drain !== 'no' || this.ended;
  }

  /** A client's new stream; undefined when identifiers have run out or the connection is ending. */
  openStream(sink: StreamSink): H2Stream | undefined {
    if (this.isDraining) return undefined;
    const id = this.ids.allocate();
    if (id !== undefined) return this.addStream(id, sink);
    // Another connection has to take over.
    this.drain();
    return undefined;
  }

  /** Resets a stream, for reasons of our own, and closes its slot without a word to the sink. */
  resetStream(stream: H2Stream, errorCode: number): void {
    if (stream.closed) return;
    this.writeReset(stream.id, errorCode);
    this.closeStream(stream);
  }

  /** What the peer asked for was as much work as so many frames, of those that a turn may read. */
  chargeTurn(frames: number): void {
    this.#reader.charge(frames);
  }

  /** Gives bytes back that a sink with `holdsReceived` has dealt with. */
  releaseReceived(stream: H2Stream, bytes: number): void {
    if (stream.closed) return;
    invariant(bytes <= stream.heldBytes, 'no more is released than was held');
    stream.heldBytes -= bytes;
    this.heldBytes -= bytes;
    this.flow.acknowledgeOn(stream, bytes);
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
    this.#writeGoaway(this.ids.lastOpened, errorCode, text);
    this.#finish(error);
  }

  /** Writes what the turn has produced, or leaves it for what the next one will. */
  onTurnEnd(): void {
    this.#isInTurn = false;
    if (!this.#isUrgent && !this.ended && this.#gathering.begin(this.#output.pendingBytes)) {
      this.#environment.turn.hold(this);
    } else {
      this.flush();
    }
  }

  onHoldEnd(tookTooLong: boolean): void {
    if (this.#gathering.isHolding) this.flush(tookTooLong);
  }

  /** Writes everything that has gathered. */
  flush(tookTooLong = false): void {
    if (this.ended) return;
    const { sender } = this;
    this.#isUrgent = false;
    this.#gathering.end(this.#output.pendingBytes, tookTooLong);
    do {
      const bytes = this.#output.pendingBytes;
      if (bytes === 0) break;
      this.#output.flush();
      this.#endpoint.bytesSent(bytes);
      sender.socketBytes = this.stream.writableLength;
      // Where the stream has more than it likes, it tells when it wants more.
      if (sender.hasLine && !this.stream.writableNeedDrain) sender.resume();
    } while (!this.ended);
    // It takes nothing from us, so we take nothing from it.
    if (sender.socketBytes > this.limits.connectionSendHighWaterBytes) this.#isStuffed = true;
    this.#steer();
    this.#endpoint.onRelief();
    this.#noteHeld();
  }

  // What the sender reports.

  onOutput(): void {
    this.#isUrgent = true;
    this.#joinTurn();
  }

  onMessage(): void {
    if (!this.#gathering.holds(this.#output.pendingBytes)) this.#joinTurn();
  }

  /** What is held is told at the end of the turn, of which large answers take more than small ones. */
  onQueued(bytes: number): void {
    if (bytes >= bytesPerFrame) this.#reader.charge(Math.floor(bytes / bytesPerFrame));
    this.onOutput();
  }

  onEndSent(stream: H2Stream): void {
    stream.localClosed = true;
    if (stream.remoteClosed) {
      this.closeStream(stream);
    } else if (this.isServer && !stream.lingers) {
      // The answer is complete; the rest of the question is not needed (RFC 9113 §8.1).
      this.writeReset(stream.id, ErrorCode.noError);
      this.closeStream(stream);
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
    this.ids.acceptNoMore();
    if (this.isServer) this.#writeGoaway(this.ids.lastOpened, ErrorCode.noError, '');
    this.finishIfLeft();
  }

  /** A client has been told to go: no new streams, and the end when none is left. */
  leave(): void {
    this.#drain = 'final';
  }

  finishIfLeft(): void {
    if (this.#drain === 'final' && this.streams.size === 0) this.#finish(undefined);
  }

  #joinTurn(): void {
    if (this.#isReading || this.#isInTurn) return;
    this.#isInTurn = true;
    this.#environment.turn.add(this);
  }

  #onChunk(chunk: Uint8Array): void {
    if (this.ended) return;
    this.nowMs = this.#environment.clock.now();
    this.#endpoint.bytesReceived(chunk.length);
    this.#read(asBuffer(chunk));
  }

  /** Reads a chunk, or what the last turn has left over. */
  #read(chunk: Buffer | undefined): void {
    if (this.ended) return;
    this.#isReading = true;
    try {
      if (chunk === undefined) this.#reader.goOn();
      else this.#reader.push(chunk);
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

  /** Lets the byte stream go on, or not. */
  #steer(): void {
    const mustPause = this.#isStuffed || this.#reader.keptBytes > 0;
    if (mustPause === this.#isPaused) return;
    this.#isPaused = mustPause;
    if (mustPause) this.stream.pause();
    else this.stream.resume();
  }

  #onSocketDrain(): void {
    this.#output.onDrain();
    this.sender.socketBytes = this.stream.writableLength;
    if (this.ended) return;
    this.#isStuffed = false;
    this.#steer();
    this.sender.resume();
    this.flush();
  }

  /** The byte stream has failed, or the peer has ended its side of it. */
  #onPeerGone(cause: Error | undefined): void {
    if (this.ended) return;
    // Nobody loses anything by it; many clients leave so.
    const isOrderly = this.#owesNothing() && (cause === undefined || this.greeted);
    this.#finish(
      isOrderly
        ? undefined
        : new H2Error('transport', cause?.message ?? 'the peer has gone', undefined, cause),
    );
  }

  /** No stream is open, or none that the peer still waits for an answer on. */
  #owesNothing(): boolean {
    for (const stream of this.streams.values()) {
      if (!this.isServer || !stream.localClosed) return false;
    }
    return true;
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
    this.flow.open();
  }

  // Streams, for `PeerFrames` too.

  addStream(id: number, sink: StreamSink): H2Stream {
    const sendWindow = this.sender.initialStreamWindow;
    const receiveWindow = this.limits.streamWindowBytes;
    const stream = new H2Stream(id, this, sink, sendWindow, receiveWindow, this.nowMs);
    this.streams.set(id, stream);
    return stream;
  }

  closeStream(stream: H2Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    this.sender.forget(stream);
    if (stream.heldBytes > 0) {
      this.flow.acknowledge(stream.heldBytes);
      this.heldBytes -= stream.heldBytes;
    }
    if (this.streams.size > 0) return;
    this.idleSinceMs = this.nowMs;
    this.finishIfLeft();
  }

  writeReset(streamId: number, errorCode: number): void {
    this.sender.writeUint32Frame(FrameType.rstStream, streamId, errorCode);
    this.ids.rememberReset(streamId);
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
  fail(errorCode: number, text: string, code: 'protocol' | 'limit' = 'protocol'): void {
    this.end(errorCode, text, new H2Error(code, text, errorCode));
  }

  /** Tells the server's budget what this connection holds, where that has changed. */
  #noteHeld(): void {
    const { sender } = this;
    const bytes = this.ended
      ? 0
      : sender.queuedBytes +
        sender.socketBytes +
        this.bufferedBytes +
        this.heldBytes +
        this.#reader.keptBytes +
        this.#frames.blockBytes;
    if (bytes !== this.notedBytes) this.#environment.budget.note(this, bytes);
  }

  /** The server holds too much, and this connection the most of it. */
  endForMemory(): void {
    const text = 'the server holds too much for its connections';
    this.fail(ErrorCode.enhanceYourCalm, text, 'limit');
    // Who takes nothing will not take our last words either, and what is before them is the trouble.
    if (this.stream.writableLength > this.limits.socketHighWaterBytes) this.stream.destroy();
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
    this.#noteHeld();
    this.#endpoint.onEnd(error);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
