const KiB = 1024;
const MiB = 1024 * KiB;

/** Everything a peer could make grow, with its bound. Defaults are in `defaultLimits`. */
export interface Limits {
  /**
   * Streams the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); more are refused.
   * Default 1,000: a slot is small, and beyond that more connections serve the peer better.
   */
  readonly maxConcurrentStreams: number;
  /**
   * Largest gRPC message that is accepted, in bytes. Default 2 MiB, as etcd: 1.5 MiB of request and
   * 512 KiB of overhead.
   */
  readonly maxReceiveMessageBytes: number;
  /** Bytes of one stream's output that may wait before `send` returns false. Default 256 KiB. */
  readonly streamSendHighWaterBytes: number;
}

export const defaultLimits: Limits = {
  maxConcurrentStreams: 1000,
  maxReceiveMessageBytes: 2 * MiB,
  streamSendHighWaterBytes: 256 * KiB,
};
