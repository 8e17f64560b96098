import { clientPreface, frameHeaderBytes, writeFrameHeader } from '../../frames.ts';
import { walkFrames } from './frame-walk.ts';

/** A frame as the generator means it. */
export interface FrameItem {
  readonly kind: 'frame';
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** What a sequence is made of. Dropping any of them leaves a sequence: that is how failures are shrunk. */
export type WireItem =
  | FrameItem
  /** Bytes that need not be a frame. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** Everybody falls silent before the next bytes are sent. */
  | { readonly kind: 'pause' };

const noPayload: Buffer = Buffer.alloc(0);

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer = noPayload,
): FrameItem {
  return { kind: 'frame', type, flags, streamId, payload };
}

export function frameBytes({ type, flags, streamId, payload }: FrameItem): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, streamId);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

/** Four bytes of an unsigned number. */
export function uint32Bytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Bytes between two pauses. */
export type Burst = Buffer;

/** The bytes of a list, cut at its pauses; the preface of a client comes first when asked for. */
export function burstsOf(items: readonly WireItem[], hasPreface: boolean): Burst[] {
  const bursts: Burst[] = [];
  let parts: Buffer[] = hasPreface ? [Buffer.from(clientPreface)] : [];
  for (const item of items) {
    if (item.kind === 'frame') parts.push(frameBytes(item));
    else if (item.kind === 'bytes') parts.push(item.bytes);
    else if (parts.length > 0) {
      bursts.push(Buffer.concat(parts));
      parts = [];
    }
  }
  if (parts.length > 0) bursts.push(Buffer.concat(parts));
  return bursts;
}

/** No receiver takes a frame that is longer than this, by default; with its header. */
const longestFrameBytes = 16_384 + frameHeaderBytes;

/**
 * Zeros that complete the last frame, so that what follows is read as frames again. A frame that no
 * receiver would take is left as it is.
 */
export function completionOf(bytes: Buffer, from: number): Buffer {
  let whole = bytes;
  // Twice: the first time may complete a header that then announces a payload.
  for (let i = 0; i < 2; i++) {
    const { missingBytes } = walkFrames(whole, from);
    if (missingBytes > longestFrameBytes) break;
    whole = Buffer.concat([whole, Buffer.alloc(missingBytes)]);
  }
  return whole.subarray(bytes.length);
}
