import { Flag, FrameType, frameHeaderBytes } from '../../frames.ts';
import { HpackDecoder } from '../../hpack/decoder.ts';

/** What a receiver that only counts lengths would find in a byte stream. */
export interface FrameWalk {
  /** Bytes that the last frame, or its header, still lacks. */
  readonly missingBytes: number;
  /** The highest id in a HEADERS frame; 0: none. */
  readonly lastStreamId: number;
  /** Acknowledged SETTINGS. */
  readonly acknowledgements: number;
  /** An answer to a PING that was never sent. */
  readonly hasPingAck: boolean;
  readonly hasGoaway: boolean;
  /** A stream was said to depend on itself, in PRIORITY or HEADERS. */
  readonly hasSelfDependency: boolean;
  /** There is a PRIORITY frame of a length other than five. */
  readonly hasOddPriority: boolean;
  /** A setting that RFC 9113 doesn't know, but others do. */
  readonly hasExtensionSetting: boolean;
  /** There is a WINDOW_UPDATE by nothing. */
  readonly hasZeroIncrement: boolean;
  /** Streams that the client reset. */
  readonly resetIds: ReadonlySet<number>;
  /** Streams whose first header list names no authority, or one that is no host with a port. */
  readonly nowhereIds: ReadonlySet<number>;
}

/** Walks through what follows the first `from` bytes. */
export function walkFrames(bytes: Buffer, from: number): FrameWalk {
  const resetIds = new Set<number>();
  const blocks = new Blocks();
  const found = { lastStreamId: 0, acknowledgements: 0, hasPingAck: false, hasGoaway: false };
  let hasSelfDependency = false;
  let hasOddPriority = false;
  let hasZeroIncrement = false;
  let hasExtensionSetting = false;
  let at = from;
  while (at + frameHeaderBytes <= bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    const type = bytes[at + 3] as number;
    const flags = bytes[at + 4] as number;
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    const payload = bytes.subarray(at + frameHeaderBytes, at + frameHeaderBytes + length);
    if (type === FrameType.headers) found.lastStreamId = Math.max(found.lastStreamId, streamId);
    if (type === FrameType.settings && (flags & Flag.ack) !== 0) found.acknowledgements += 1;
    if (type === FrameType.ping && (flags & Flag.ack) !== 0) found.hasPingAck = true;
    if (type === FrameType.goaway) found.hasGoaway = true;
    if (type === FrameType.rstStream) resetIds.add(streamId);
    if (type === FrameType.priority && length !== 5) hasOddPriority = true;
    if (type === FrameType.windowUpdate && incrementIn(payload) === 0) hasZeroIncrement = true;
    if (type === FrameType.settings && namesExtension(payload)) hasExtensionSetting = true;
    if (dependencyIn(type, flags, payload) === streamId) hasSelfDependency = true;
    blocks.take(type, flags, streamId, payload);
    at += frameHeaderBytes + length;
  }
  const end = at < bytes.length ? at + frameHeaderBytes : at;
  const missingBytes = end - bytes.length;
  const { nowhereIds } = blocks;
  const odd = { hasSelfDependency, hasOddPriority, hasZeroIncrement, hasExtensionSetting };
  return { ...found, ...odd, missingBytes, resetIds, nowhereIds };
}

/** The stream that a frame says its own depends on; undefined: it says nothing of it. */
function dependencyIn(type: number, flags: number, payload: Buffer): number | undefined {
  const isHeaders = type === FrameType.headers;
  if (type !== FrameType.priority && !(isHeaders && (flags & Flag.priority) !== 0))
    return undefined;
  const at = isHeaders && (flags & Flag.padded) !== 0 ? 1 : 0;
  return at + 4 <= payload.length ? payload.readUInt32BE(at) & 0x7fff_ffff : undefined;
}

/** SETTINGS_ENABLE_CONNECT_PROTOCOL and SETTINGS_NO_RFC7540_PRIORITIES. */
const extensionSettings: readonly number[] = [8, 9];

function namesExtension(payload: Buffer): boolean {
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (extensionSettings.includes(payload.readUInt16BE(at))) return true;
  }
  return false;
}

function incrementIn(payload: Buffer): number | undefined {
  return payload.length >= 4 ? payload.readUInt32BE(0) & 0x7fff_ffff : undefined;
}

/** A host with or without a port, as nghttp2 wants it. */
const hostPattern = /^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]+$/;

/** Reads the header lists for as long as they can be read. */
class Blocks {
  readonly nowhereIds = new Set<number>();
  readonly #decoder = new HpackDecoder({ maxHeaderListBytes: 1 << 20, maxHeaderFields: 1000 });
  readonly #seen = new Set<number>();
  #parts: Buffer[] = [];
  #streamId = 0;
  #isBroken = false;

  take(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (this.#isBroken) return;
    if (type === FrameType.headers) {
      this.#streamId = streamId;
      this.#parts = [blockIn(flags, payload)];
    } else if (type === FrameType.continuation) {
      this.#parts.push(payload);
    } else {
      return;
    }
    if ((flags & Flag.endHeaders) === 0) return;
    const block = Buffer.concat(this.#parts);
    try {
      const { fields } = this.#decoder.decode(block, 0, block.length);
      const place = fields.find(({ name }) => name === ':authority' || name === 'host');
      const isFirst = !this.#seen.has(this.#streamId);
      this.#seen.add(this.#streamId);
      if (isFirst && !hostPattern.test(place?.value ?? '')) this.nowhereIds.add(this.#streamId);
    } catch {
      this.#isBroken = true;
    }
  }
}

function blockIn(flags: number, payload: Buffer): Buffer {
  const isPadded = (flags & Flag.padded) !== 0;
  const from = (isPadded ? 1 : 0) + ((flags & Flag.priority) !== 0 ? 5 : 0);
  const padLength = isPadded ? (payload[0] ?? 0) : 0;
  return payload.subarray(
    Math.min(from, payload.length),
    Math.max(from, payload.length - padLength),
  );
}
