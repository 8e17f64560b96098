import type { Endpoint, H2Connection } from './connection.ts';
import { H2Error } from './errors.ts';
import { FloodGuard } from './flood-guard.ts';
import type { FrameHandler } from './frame-reader.ts';
import { ErrorCode, Flag, FrameType, maxStreamId, readUint32 } from './frames.ts';
import { HeaderAssembler } from './header-assembler.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import type { HeaderBlock } from './hpack/header-block.ts';
import { HeaderField } from './hpack/header-field.ts';
import { HeaderTemplate } from './hpack/header-template.ts';
import { invariant } from './invariant.ts';
import { areTrailers, requestHeadOf } from './request-head.ts';
import { readSettings } from './settings.ts';
import type { H2Stream, StreamSink } from './stream.ts';

/** A PING that tells, by its answer, that the peer has heard of our going. */
export const drainPing: Buffer = Buffer.from('kvorumdr', 'latin1');

/**
 * A window that waiting output has used up, opened by less than this, makes us send a crumb: a frame with
 * less in it than around it. Honest peers open windows by kilobytes, or by what they have read.
 */
const crumbBytes = 64;

/** To change a window costs an eighth of what other frames without use do. */
const streamsPerIdleFrame = 8;

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
 * What the peer's frames do to a connection: one method per frame type, and for each breach of the rules
 * the error and the scope that RFC 9113 asks for.
 */
export class PeerFrames implements FrameHandler {
  readonly #connection: H2Connection;
  readonly #endpoint: Endpoint;
  readonly #decoder: HpackDecoder;
  readonly #headers: HeaderAssembler;
  readonly #floods: FloodGuard;
  // The DATA frame being read.
  #dataStream: H2Stream | undefined = undefined;
  #dataFlags = 0;
  /** A server's last GOAWAY: it takes no streams above, and may only lower it (RFC 9113 §6.8). */
  #lastAccepted: number = maxStreamId;

  constructor(connection: H2Connection, endpoint: Endpoint) {
    const { limits } = connection;
    this.#connection = connection;
    this.#endpoint = endpoint;
    this.#decoder = new HpackDecoder(limits);
    this.#headers = new HeaderAssembler(limits);
    this.#floods = new FloodGuard(limits, connection.nowMs);
  }

  /** When the header block that is under way began, in the clock's ms; -1: none is. */
  get blockBegunAtMs(): number {
    return this.#headers.streamId === 0 ? -1 : this.#headers.begunAtMs;
  }

  /** Bytes of the header block that is under way. */
  get blockBytes(): number {
    return this.#headers.heldBytes;
  }

  onBadFrame(errorCode: number, text: string): void {
    this.#connection.fail(errorCode, text);
  }

  onDataBegin(streamId: number, flags: number, flowBytes: number, dataBytes: number) {
    this.#dataStream = undefined;
    this.#dataFlags = flags;
    if (!this.#isFrameExpected(FrameType.data, streamId)) return;
    if (streamId === 0) return this.#connection.fail(ErrorCode.protocolError, 'DATA on stream 0');
    if (!this.#connection.flow.take(flowBytes)) {
      return this.#connection.fail(ErrorCode.flowControlError, 'the connection window is exceeded');
    }
    const stream = this.#connection.streams.get(streamId);
    if (stream === undefined) return this.#onStrayData(streamId, flowBytes - dataBytes);
    this.#connection.flow.acknowledge(flowBytes - dataBytes);
    if (stream.remoteClosed) return this.#abortStream(stream, ErrorCode.streamClosed);
    stream.receivedAtMs = this.#connection.nowMs;
    if (!this.#connection.flow.takeOn(stream, flowBytes)) {
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
      this.#connection.flow.acknowledge(end - start);
      return;
    }
    stream.sink.onData(bytes, start, end);
    if (stream.closed) this.#connection.flow.acknowledge(end - start);
    else if (stream.holdsReceived) {
      stream.heldBytes += end - start;
      this.#connection.heldBytes += end - start;
    } else this.#connection.flow.acknowledgeOn(stream, end - start);
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
        return this.#connection.fail(ErrorCode.protocolError, 'PUSH_PROMISE is not allowed');
      default:
        this.#allowIdleFrame();
    }
  }

  /** The peer broke a rule on this stream, which ends it (RFC 9113 §5.4.2). */
  #abortStream(stream: H2Stream, errorCode: number): void {
    this.#connection.writeReset(stream.id, errorCode);
    this.#connection.closeStream(stream);
    stream.sink.onStreamLost('reset', errorCode);
    this.#countReset();
  }

  /** Resets a stream that has no slot. */
  #refuse(streamId: number, errorCode: number): void {
    this.#connection.writeReset(streamId, errorCode);
    this.#countReset();
  }

  #countReset(): void {
    if (this.#floods.allowsReset(this.#connection.nowMs)) return;
    this.#connection.fail(ErrorCode.enhanceYourCalm, 'too many streams were reset', 'limit');
  }

  /**
   * False, and the connection is ended, when frames that carry nothing come too often. `count` is that of
   * frames with as much work in them.
   */
  #allowIdleFrame(count = 1): boolean {
    if (this.#floods.allowsIdleFrame(this.#connection.nowMs, count)) return true;
    this.#connection.fail(ErrorCode.enhanceYourCalm, 'too many frames without use', 'limit');
    return false;
  }

  #endRemote(stream: H2Stream) {
    if (stream.promisedBytes > 0) return this.#abortStream(stream, ErrorCode.protocolError);
    stream.remoteClosed = true;
    stream.sink.onEnd();
    if (stream.localClosed) this.#connection.closeStream(stream);
  }

  /** DATA for a stream that is not open. */
  #onStrayData(streamId: number, paddingBytes: number) {
    const state = this.#connection.ids.stateOf(streamId);
    if (state === 'idle')
      return this.#connection.fail(ErrorCode.protocolError, 'DATA on an idle stream');
    this.#connection.flow.acknowledge(paddingBytes);
    if (state !== 'ignored') this.#refuse(streamId, ErrorCode.streamClosed);
  }

  /** SETTINGS come first; inside a header block nothing but its CONTINUATION (RFC 9113 §3.4, §4.3). */
  #isFrameExpected(type: number, streamId: number): boolean {
    if (!this.#connection.greeted && type !== FrameType.settings) {
      this.#connection.fail(ErrorCode.protocolError, 'the first frame is not SETTINGS');
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
    this.#connection.fail(
      ErrorCode.protocolError,
      blockStreamId === 0 ? 'CONTINUATION of nothing' : 'a header block is interrupted',
    );
    return false;
  }

  #onHeaders(streamId: number, flags: number, bytes: Buffer, start: number, end: number) {
    if (streamId === 0)
      return this.#connection.fail(ErrorCode.protocolError, 'HEADERS on stream 0');
    const headers = this.#headers;
    const fault = headers.begin(streamId, flags, bytes, start, end, this.#connection.nowMs);
    if (fault !== undefined) return this.#connection.fail(fault.errorCode, fault.text);
    if (headers.isComplete) this.#onBlock();
  }

  #onContinuation(flags: number, bytes: Buffer, start: number, end: number) {
    const fault = this.#headers.continue(flags, bytes, start, end);
    if (fault !== undefined) return this.#connection.fail(fault.errorCode, fault.text, 'limit');
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
      const errorCode = error.http2Code ?? ErrorCode.compressionError;
      const code = error.code === 'limit' ? 'limit' : 'protocol';
      return this.#connection.fail(errorCode, error.message, code);
    }
    headers.clear();
    const stream = this.#connection.streams.get(streamId);
    if (stream !== undefined) this.#onLaterBlock(stream, block, endStream);
    else this.#onFirstBlock(streamId, block, endStream);
  }

  /** Trailers of a request; in a client, the response's headers or trailers. */
  #onLaterBlock(stream: H2Stream, block: HeaderBlock, endStream: boolean) {
    if (stream.remoteClosed) return this.#abortStream(stream, ErrorCode.streamClosed);
    stream.receivedAtMs = this.#connection.nowMs;
    if (this.#connection.isServer && (!endStream || !areTrailers(block))) {
      return this.#abortStream(stream, ErrorCode.protocolError);
    }
    stream.sink.onHeaders(block, endStream);
    if (endStream && !stream.closed) this.#endRemote(stream);
  }

  /** A block for no open stream: a server's new request, or else a mistake. */
  #onFirstBlock(streamId: number, block: HeaderBlock, endStream: boolean) {
    const state = this.#connection.ids.stateOf(streamId);
    if (state === 'ignored') return;
    if (state === 'closed')
      return this.#connection.fail(ErrorCode.streamClosed, 'HEADERS on a closed stream');
    if (!this.#connection.isServer)
      return this.#connection.fail(ErrorCode.protocolError, 'HEADERS on an idle stream');
    if ((streamId & 1) === 0)
      return this.#connection.fail(ErrorCode.protocolError, 'an even stream id');
    if (state === 'skipped')
      return this.#connection.fail(ErrorCode.protocolError, 'stream ids must grow');
    this.#onRequest(streamId, block, endStream);
  }

  #onRequest(streamId: number, block: HeaderBlock, endStream: boolean) {
    this.#connection.ids.open(streamId);
    if (this.#connection.streams.size >= this.#connection.limits.maxConcurrentStreams) {
      return this.#refuse(streamId, ErrorCode.refusedStream);
    }
    const head = block.tooLarge ? undefined : requestHeadOf(block);
    if (head === undefined && !block.tooLarge) {
      return this.#refuse(streamId, ErrorCode.protocolError);
    }
    const stream = this.#connection.addStream(streamId, noSink);
    if (head === undefined) {
      this.#connection.sender.sendTemplate(stream, tooLargeTemplate, true);
      return this.#countReset();
    }
    stream.promisedBytes = head.contentLength;
    this.#endpoint.onRequest(stream, head, endStream);
    if (endStream && !stream.closed) this.#endRemote(stream);
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number) {
    if (end - start !== 4)
      return this.#connection.fail(ErrorCode.frameSizeError, 'WINDOW_UPDATE size');
    const increment = readUint32(bytes, start) & 0x7fff_ffff;
    if (streamId === 0) {
      if (increment === 0)
        return this.#connection.fail(ErrorCode.protocolError, 'WINDOW_UPDATE by 0');
      if (!this.#connection.sender.openWindow(increment)) {
        this.#connection.fail(ErrorCode.flowControlError, 'the connection window overflows');
      } else if (this.#connection.sender.window <= 0) {
        this.#countCrumb(increment, this.#connection.sender.queuedBytes);
      }
      return;
    }
    const stream = this.#connection.streams.get(streamId);
    if (stream === undefined) {
      if (this.#connection.ids.stateOf(streamId) !== 'idle') return;
      return this.#connection.fail(ErrorCode.protocolError, 'WINDOW_UPDATE on an idle stream');
    }
    if (increment === 0) return this.#abortStream(stream, ErrorCode.protocolError);
    if (!this.#connection.sender.openStreamWindow(stream, increment)) {
      this.#abortStream(stream, ErrorCode.flowControlError);
    } else if (stream.sendWindow <= 0) {
      this.#countCrumb(increment, stream.queuedBytes);
    }
  }

  /** A window was opened and is used up already; so are we, when that goes on byte by byte. */
  #countCrumb(increment: number, waitingBytes: number) {
    if (increment < crumbBytes && waitingBytes > 0) this.#allowIdleFrame();
  }

  #onReset(streamId: number, bytes: Buffer, start: number, end: number) {
    if (end - start !== 4)
      return this.#connection.fail(ErrorCode.frameSizeError, 'RST_STREAM size');
    const stream = this.#connection.streams.get(streamId);
    if (stream === undefined) {
      const isIdle = this.#connection.ids.stateOf(streamId) === 'idle';
      if (isIdle) this.#connection.fail(ErrorCode.protocolError, 'RST_STREAM on an idle stream');
      else if (this.#connection.isServer) this.#allowIdleFrame();
      return;
    }
    this.#connection.closeStream(stream);
    stream.sink.onStreamLost('reset', readUint32(bytes, start));
    if (this.#connection.isServer) this.#countReset();
  }

  #onSettings(streamId: number, flags: number, bytes: Buffer, start: number, end: number) {
    if (streamId !== 0)
      return this.#connection.fail(ErrorCode.protocolError, 'SETTINGS on a stream');
    const isAck = (flags & Flag.ack) !== 0;
    if (isAck ? end !== start : (end - start) % 6 !== 0) {
      return this.#connection.fail(ErrorCode.frameSizeError, 'SETTINGS size');
    }
    if (isAck) {
      if (!this.#connection.greeted)
        return this.#connection.fail(ErrorCode.protocolError, 'SETTINGS begin with an ACK');
      this.#allowIdleFrame();
      return;
    }
    if (this.#connection.greeted && !this.#allowIdleFrame()) return;
    const settings = readSettings(bytes, start, end);
    if ('errorCode' in settings) return this.#connection.fail(settings.errorCode, settings.text);
    this.#connection.greeted = true;
    if (!this.#connection.isServer && settings.enablePush === 1) {
      return this.#connection.fail(ErrorCode.protocolError, 'a server may not enable push');
    }
    this.#connection.peerMaxStreams =
      settings.maxConcurrentStreams ?? this.#connection.peerMaxStreams;
    // Before all that makes use of them: the peer holds us to its old values until it reads this.
    this.#connection.sender.writeFrame(0, FrameType.settings, Flag.ack, 0);
    if (settings.initialWindowBytes !== undefined) {
      // Every stream's window changes, and each may have output that waits for it.
      const count = Math.floor(this.#connection.streams.size / streamsPerIdleFrame);
      if (!this.#allowIdleFrame(count)) return;
      this.#connection.chargeTurn(count);
    }
    if (!this.#connection.sender.applySettings(settings, this.#connection.streams.values())) {
      return this.#connection.fail(ErrorCode.flowControlError, 'a stream window overflows');
    }
    this.#endpoint.onSettings();
  }

  #onPing(streamId: number, flags: number, bytes: Buffer, start: number, end: number) {
    if (streamId !== 0) return this.#connection.fail(ErrorCode.protocolError, 'PING on a stream');
    if (end - start !== 8) return this.#connection.fail(ErrorCode.frameSizeError, 'PING size');
    if ((flags & Flag.ack) !== 0) {
      const isDrain =
        this.#connection.isDrainAnnounced && drainPing.equals(bytes.subarray(start, end));
      if (isDrain) this.#connection.finishDrain();
      else this.#allowIdleFrame();
      return;
    }
    const sent = this.#connection.sender.sentBlocks + this.#connection.sender.sentBytes;
    const activeStreams = this.#connection.isServer ? this.#connection.streams.size : undefined;
    if (this.#floods.allowsPing(this.#connection.nowMs, activeStreams, sent)) {
      const at = this.#connection.sender.writeFrame(8, FrameType.ping, Flag.ack, 0);
      bytes.copy(this.#connection.sender.output.buffer, at, start, end);
      return;
    }
    this.#connection.fail(ErrorCode.enhanceYourCalm, 'too_many_pings', 'limit');
  }

  #onGoaway(streamId: number, bytes: Buffer, start: number, end: number) {
    if (streamId !== 0) return this.#connection.fail(ErrorCode.protocolError, 'GOAWAY on a stream');
    if (end - start < 8) return this.#connection.fail(ErrorCode.frameSizeError, 'GOAWAY size');
    if (!this.#allowIdleFrame()) return;
    const lastStreamId = readUint32(bytes, start) & 0x7fff_ffff;
    const errorCode = readUint32(bytes, start + 4);
    if (this.#connection.isServer) return this.#endpoint.onGoaway(lastStreamId, errorCode);
    if (lastStreamId > this.#lastAccepted) {
      return this.#connection.fail(ErrorCode.protocolError, 'GOAWAY takes back what it said');
    }
    this.#lastAccepted = lastStreamId;
    this.#connection.leave();
    this.#endpoint.onGoaway(lastStreamId, errorCode);
    for (const stream of [...this.#connection.streams.values()]) {
      if (stream.id <= lastStreamId) continue;
      this.#connection.closeStream(stream);
      stream.sink.onStreamLost('refused', errorCode);
    }
    this.#connection.finishIfLeft();
  }

  /** Priorities are read and forgotten: RFC 9113 §5.3.2 deprecates them. */
  #onPriority(streamId: number, length: number) {
    if (streamId === 0)
      return this.#connection.fail(ErrorCode.protocolError, 'PRIORITY on stream 0');
    if (!this.#allowIdleFrame() || length === 5) return;
    const stream = this.#connection.streams.get(streamId);
    if (stream !== undefined) this.#abortStream(stream, ErrorCode.frameSizeError);
    // There is nothing to reset, so the stream error becomes one of the connection (RFC 9113 §5.4.2).
    else this.#connection.fail(ErrorCode.frameSizeError, 'PRIORITY size');
  }
}

/** A request whose header list is over the limits is answered so (RFC 9113 §10.5.1, RFC 6585 §5). */
const tooLargeTemplate = new HeaderTemplate([new HeaderField(':status', '431')]);
