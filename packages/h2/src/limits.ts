import { H2Error } from './errors.ts';
import { maxMaxFrameBytes, maxWindowBytes, minMaxFrameBytes } from './frames.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const second = 1000;
const hour = 3600 * second;

/**
 * Everything a peer could make grow or last, with its bound. Defaults are in `defaultLimits`; each reason
 * stands here. Times of 0 mean "never", where the text says so.
 */
export interface Limits {
  /**
   * Streams the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); more are refused, which is
   * safe to retry. 1,000: enough for a busy proxy, and what an abuser can hold of each other limit.
   */
  readonly maxConcurrentStreams: number;
  /** Bytes of a frame's payload (SETTINGS_MAX_FRAME_SIZE). 16 KiB: every peer's default. */
  readonly maxFrameBytes: number;
  /** Bytes of a decoded header list (SETTINGS_MAX_HEADER_LIST_SIZE); also of a coded one. 64 KiB: a large token. */
  readonly maxHeaderListBytes: number;
  /** Fields of a header list. 128: real requests have fewer than 40. */
  readonly maxHeaderFields: number;
  /** CONTINUATION frames of one block. 16: four full frames reach the byte limit, floods use thousands. */
  readonly maxContinuationFrames: number;
  /**
   * Frames of a connection that one turn of the loop reads; the rest waits for the next one, and others
   * have theirs. 256: a hundred calls, half a millisecond, and what no usual peer sends at once.
   */
  readonly framesPerTurn: number;

  /**
   * Connections of one server; for the next the oldest without streams makes room, or else it is closed at
   * once. 10,000: with what an idle one costs, about 10 KiB, no more than 100 MiB.
   */
  readonly maxConnections: number;
  /**
   * Connections that have not sent their preface and SETTINGS yet; over it the oldest of them is closed,
   * since an honest peer is done within a round trip. 1,000: a whole fleet that connects at once.
   */
  readonly maxHalfOpenConnections: number;

  /** Bytes a peer may send on one stream ahead of us. 1 MiB: 8 Gbit/s at 1 ms, 80 Mbit/s at 100 ms. */
  readonly streamWindowBytes: number;
  /** The same for all of a connection's streams together. 16 MiB: sixteen streams at full speed. */
  readonly connectionWindowBytes: number;
  /**
   * Bytes of one gRPC message, as sent and as decompressed. 2 MiB, as etcd: 1.5 MiB of request and
   * 512 KiB of overhead.
   */
  readonly maxReceiveMessageBytes: number;
  /**
   * Bytes of a connection's unfinished and waiting messages; the call that goes over it is ended with
   * RESOURCE_EXHAUSTED. 64 MiB: many of the largest messages at once, and no host-size surprise.
   */
  readonly maxReceiveBufferBytes: number;
  /**
   * Bytes that all connections of a server hold: messages and header blocks that are not complete, bodies
   * that nobody reads, and output that nobody takes. Over it the connection that holds the most is ended,
   * at the end of the turn. 256 MiB: four connections at their worst, or a thousand slow ones.
   */
  readonly maxServerBufferBytes: number;

  /** Bytes of one stream's output that may wait before `send` returns false. 256 KiB: one good write. */
  readonly streamSendHighWaterBytes: number;
  /**
   * Bytes of one stream's output that may wait when another message is sent: a producer that does not heed
   * `send`'s false has its call reset, which is RESOURCE_EXHAUSTED to the other end. 16 MiB: many times
   * what a producer sends before it looks.
   */
  readonly maxStreamSendBytes: number;
  /**
   * Bytes of a connection's output that may wait, for the peer's windows or for the socket, before new
   * calls wait as well. 4 MiB: a second of a slow line.
   */
  readonly connectionSendHighWaterBytes: number;
  /**
   * Bytes handed to the byte stream ahead of it; the rest waits in its stream's queue, and `send` returns
   * false. 512 KiB: what a fast line takes in a turn.
   */
  readonly socketHighWaterBytes: number;
  /**
   * Messages of streams, of fewer bytes than this together, may wait for those of the next turn, on a
   * connection where every turn brings some: one write takes what two would. 0: never. 16 KiB: a larger write
   * costs by its bytes, a smaller one nearly the same whatever it holds.
   */
  readonly gatherBytes: number;
  /** Ms for which they may wait; where turns take longer, they don't. 0.5 ms: less than a network's round trip. */
  readonly gatherMs: number;

  /**
   * Streams a peer may make us drop, by RST_STREAM or by an error in its frames, before it is sent away
   * (rapid reset and its kin): this many at once, 5,000, and `resetsPerSecond`, 1,000, on average. An
   * honest client resets every call it gives up, and may give up all of them at once.
   */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /**
   * Frames that cost us work and carry nothing: SETTINGS, PING, PRIORITY, empty DATA, unknown types, and
   * WINDOW_UPDATEs that let us send next to nothing.
   * This many at once, 10,000, and `idleFramesPerSecond`, 1,000, on average: each costs less than a
   * microsecond. PINGs that follow something we sent are free, since they measure the line.
   */
  readonly idleFrameBurst: number;
  readonly idleFramesPerSecond: number;
  /**
   * Bytes by which gzipped messages may grow beyond 32 times what was sent: this many at once, 16 MiB, and
   * `inflateBytesPerSecond`, 4 MiB, on average. A megabyte of zeros is a thousand bytes to send, and to
   * decompress it takes 3 ms; what people write shrinks to a tenth at best.
   */
  readonly inflateBurstBytes: number;
  readonly inflateBytesPerSecond: number;
  /**
   * Bytes of messages that are gzipped for a peer which asked for it, 4 MiB at once and
   * `deflateBytesPerSecond`, 8 MiB, on average; others go out as they are. It takes 20 ms for a megabyte.
   */
  readonly deflateBurstBytes: number;
  readonly deflateBytesPerSecond: number;

  /** Time for a new connection to send its preface and SETTINGS, in ms. 10 s: a bad line's round trips. */
  readonly handshakeTimeoutMs: number;
  /** Time for a header block to be complete once begun, in ms. 10 s: the same. */
  readonly headerTimeoutMs: number;
  /**
   * Longest silence within an unfinished unary request, in ms. 60 s: a client that was suspended for a while
   * comes back. It may last no longer altogether, but for 1 ms for each byte that has come.
   */
  readonly bodyTimeoutMs: number;
  /** Longest standstill of output over `connectionSendHighWaterBytes`, in ms. 60 s: the same. */
  readonly sendStallTimeoutMs: number;
  /** A connection without streams for so long is told to go, in ms. 0, never: as etcd. */
  readonly idleTimeoutMs: number;
  /** Time for a closing connection to take what was written, in ms. 2 s: a round trip and another try. */
  readonly closeTimeoutMs: number;

  /** Silence after which we ask whether the peer is there, in ms; 0: never. 2 hours, as etcd. */
  readonly keepaliveIntervalMs: number;
  /** Time for its answer, in ms. 20 s, as etcd. */
  readonly keepaliveTimeoutMs: number;
  /** PINGs that follow each other faster are strikes; the third ends the connection. 5 s, as etcd. */
  readonly pingMinIntervalMs: number;
  /** Whether PINGs are welcome while no stream is open. False, as etcd. */
  readonly pingWithoutStreams: boolean;
}

/** What holds where nothing else is chosen. Its reasons stand at `Limits`. */
export const defaultLimits: Limits = {
  maxConcurrentStreams: 1000,
  maxFrameBytes: 16 * KiB,
  maxHeaderListBytes: 64 * KiB,
  maxHeaderFields: 128,
  maxContinuationFrames: 16,
  framesPerTurn: 256,
  maxConnections: 10_000,
  maxHalfOpenConnections: 1000,
  streamWindowBytes: 1 * MiB,
  connectionWindowBytes: 16 * MiB,
  maxReceiveMessageBytes: 2 * MiB,
  maxReceiveBufferBytes: 64 * MiB,
  maxServerBufferBytes: 256 * MiB,
  streamSendHighWaterBytes: 256 * KiB,
  maxStreamSendBytes: 16 * MiB,
  connectionSendHighWaterBytes: 4 * MiB,
  socketHighWaterBytes: 512 * KiB,
  gatherBytes: 16 * KiB,
  gatherMs: 0.5,
  resetBurst: 5000,
  resetsPerSecond: 1000,
  idleFrameBurst: 10_000,
  idleFramesPerSecond: 1000,
  inflateBurstBytes: 16 * MiB,
  inflateBytesPerSecond: 4 * MiB,
  deflateBurstBytes: 4 * MiB,
  deflateBytesPerSecond: 8 * MiB,
  handshakeTimeoutMs: 10 * second,
  headerTimeoutMs: 10 * second,
  bodyTimeoutMs: 60 * second,
  sendStallTimeoutMs: 60 * second,
  idleTimeoutMs: 0,
  closeTimeoutMs: 2 * second,
  keepaliveIntervalMs: 2 * hour,
  keepaliveTimeoutMs: 20 * second,
  pingMinIntervalMs: 5 * second,
  pingWithoutStreams: false,
};

/** Fills in the defaults; throws `H2Error` "limit" for values that cannot work. */
export function resolveLimits(chosen: Partial<Limits> | undefined): Limits {
  const limits: Limits = { ...defaultLimits, ...chosen };
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === 'number' && !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw new H2Error('limit', `${name} is ${value}`);
    }
  }
  check(limits.maxFrameBytes >= minMaxFrameBytes, 'maxFrameBytes is below 16,384');
  check(limits.maxFrameBytes <= maxMaxFrameBytes, 'maxFrameBytes is above 16,777,215');
  check(limits.streamWindowBytes <= maxWindowBytes, 'streamWindowBytes does not fit 31 bits');
  check(limits.connectionWindowBytes <= maxWindowBytes, 'connectionWindowBytes: over 31 bits');
  check(
    limits.connectionWindowBytes >= limits.streamWindowBytes,
    'connectionWindowBytes is below streamWindowBytes',
  );
  check(limits.framesPerTurn >= 1, 'framesPerTurn is below 1');
  check(
    limits.maxStreamSendBytes >= limits.streamSendHighWaterBytes,
    'maxStreamSendBytes is below streamSendHighWaterBytes',
  );
  return limits;
}

function check(condition: boolean, text: string): void {
  if (!condition) throw new H2Error('limit', text);
}
