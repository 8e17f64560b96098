import type { ByteQueue } from './byte-queue.ts';
import type { H2Connection } from './connection.ts';
import type { HeaderBlock } from './hpack/header-block.ts';
import type { HeaderField } from './hpack/header-field.ts';

/**
 * What a stream means to the layer above. Calls come in the order of the wire; after `onStreamLost` none do.
 */
export interface StreamSink {
  /** Header blocks after the one that opened the stream: trailers, or a client's response. */
  onHeaders(block: HeaderBlock, endStream: boolean): void;
  /** Body bytes, owned by the sink: they stay valid and unchanged. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The peer has ended its side. */
  onEnd(): void;
  /** The output has drained, after the sink had `H2Stream.wantsDrain` set. */
  onDrain(): void;
  /**
   * Reset by the peer, or by us because of what it sent; or the connection is gone; or, in a client,
   * `refused` by a server that goes away and has not looked at it.
   */
  onStreamLost(reason: 'reset' | 'refused' | 'connection', errorCode: number): void;
  /** Looked at now and then; `silentMs` since the peer last sent something on this stream. */
  onSweep(silentMs: number): void;
}

/** One stream's slot: windows, what waits to be sent, and who it belongs to. */
export class H2Stream {
  readonly id: number;
  readonly connection: H2Connection;
  sink: StreamSink;
  /** Bytes the peer lets us send; negative after it has lowered the initial window. */
  sendWindow: number;
  /** Bytes we let the peer send. */
  receiveWindow: number;
  /** Bytes received and dealt with, but not yet given back by WINDOW_UPDATE. */
  unacknowledged = 0;
  /** Set: received bytes are given back only when the sink calls `releaseReceived`. */
  holdsReceived = false;
  /** Set, in a server: the sink deals with a request that goes on after its response, which is else reset. */
  lingers = false;
  /** Bytes received and held back so far. */
  heldBytes = 0;
  /** Bytes that `content-length` still promises; -1 when it promised none. */
  promisedBytes = -1;
  /** END_STREAM was sent. */
  localClosed = false;
  /** END_STREAM was received. */
  remoteClosed = false;
  /** Out of the connection's table; whatever is done with it has no effect. */
  closed = false;
  /** When the peer last sent something on it, in the clock's ms. */
  receivedAtMs: number;
  /** Output that waits for windows or the socket. */
  queue: ByteQueue | undefined = undefined;
  /** END_STREAM, with these trailers if any, follows the queue. */
  endsAfterQueue = false;
  trailers: readonly HeaderField[] | undefined = undefined;
  /** Stands in the sender's line. */
  isWaiting = false;
  /** Was told to stop sending; `StreamSink.onDrain` is due. */
  wantsDrain = false;

  constructor(
    id: number,
    connection: H2Connection,
    sink: StreamSink,
    sendWindow: number,
    receiveWindow: number,
    nowMs: number,
  ) {
    this.id = id;
    this.connection = connection;
    this.sink = sink;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.receivedAtMs = nowMs;
  }

  /** Bytes of output that wait. */
  get queuedBytes(): number {
    return this.queue === undefined ? 0 : this.queue.size;
  }
}
