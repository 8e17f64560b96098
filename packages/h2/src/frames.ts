/**
 * The frame layer's constants and the 9 bytes in front of every frame (RFC 9113 §4.1):
 *
 *     +-----------------------------------------------+
 *     |                 Length (24)                   |
 *     +---------------+---------------+---------------+
 *     |   Type (8)    |   Flags (8)   |
 *     +-+-------------+---------------+-------------------------------+
 *     |R|                 Stream Identifier (31)                      |
 *     +=+=============================================================+
 *     |                   Frame Payload (0...)                      ...
 *     +---------------------------------------------------------------+
 */
export const frameHeaderBytes = 9;

/** What a client sends first (RFC 9113 §3.4). */
export const clientPreface: Uint8Array = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FrameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

export const Flag = {
  /** On SETTINGS and PING. */
  ack: 0x1,
  /** On DATA and HEADERS. */
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** Error codes of RST_STREAM and GOAWAY (RFC 9113 §7). */
export const ErrorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

export const SettingId = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** What both sides assume until SETTINGS say otherwise (RFC 9113 §6.5.2). */
export const defaultHeaderTableBytes = 4096;
export const defaultWindowBytes = 65_535;
export const minMaxFrameBytes = 16_384;
export const maxMaxFrameBytes = 16_777_215;
/** Windows and stream identifiers fit 31 bits. */
export const maxWindowBytes = 0x7fff_ffff;
export const maxStreamId = 0x7fff_ffff;

/** Writes a frame header at `at`; returns where its payload goes. */
export function writeFrameHeader(
  buffer: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  writeFrameLength(buffer, at, length);
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  return writeUint32(buffer, at + 5, streamId);
}

/** Writes the length into the frame header at `at`. */
export function writeFrameLength(buffer: Uint8Array, at: number, length: number): void {
  buffer[at] = length >>> 16;
  buffer[at + 1] = length >>> 8;
  buffer[at + 2] = length;
}

/** Writes 32 bits, big-endian; returns the offset behind them. */
export function writeUint32(buffer: Uint8Array, at: number, value: number): number {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
  return at + 4;
}

/** Reads 32 bits, big-endian, unsigned. The caller knows that they are there. */
export function readUint32(buffer: Uint8Array, at: number): number {
  return (
    ((byteAt(buffer, at) << 24) |
      (byteAt(buffer, at + 1) << 16) |
      (byteAt(buffer, at + 2) << 8) |
      byteAt(buffer, at + 3)) >>>
    0
  );
}

/** The byte at an offset that is known to lie inside. */
export function byteAt(buffer: Uint8Array, at: number): number {
  return buffer[at] as number;
}
