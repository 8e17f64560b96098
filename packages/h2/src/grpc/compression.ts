import { gunzipSync, gzipSync } from 'node:zlib';
import { MessageFlag } from './message-reader.ts';
import type { Message } from './types.ts';

/** Encodings that we can read and write, as `grpc-accept-encoding` lists them. */
export const acceptedEncodings = 'identity,gzip';

/** Smaller messages do not shrink enough to be worth it. */
const minCompressedBytes = 1024;

/**
 * Larger messages are sent as they are: the loop stands still while one is compressed, which takes up to
 * 20 ms for a megabyte, and gRPC lets the sender choose for each message.
 */
const maxCompressedBytes = 256 * 1024;

/** A header and a trailer are 18 bytes. */
const minGzipBytes = 18;
/** The least that zlib takes. */
const minGzipChunkBytes = 64;

/** Level 1 takes a third of the default's time for nine tenths of its effect. */
const level = 1;

/** What became of a compressed message. */
export type Decompressed = Uint8Array | 'too large' | 'broken';

export const brokenText = 'grpc: failed to decompress the received message';

/** What is wrong with a message that has a flag, beside the `grpc-encoding` that was announced. */
export function compressionFault(flag: number, encoding: string | undefined): string | undefined {
  if (flag !== MessageFlag.compressed) return `grpc: received unexpected payload format ${flag}`;
  if (encoding === 'gzip') return undefined;
  return encoding === undefined || encoding === 'identity'
    ? 'grpc: compressed flag set with identity or empty encoding'
    : `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
}

/**
 * Decompresses a message in place of the caller: at most `maxBytes`, which bounds memory, and the time
 * that the loop stands still: up to 5 ms for each megabyte. A message ends with its size (RFC 1952 §2.3.1),
 * so what is too large is refused unseen, as grpc-go does, and what goes on beyond its own word is broken.
 */
export function gunzipMessage(message: Uint8Array, maxBytes: number): Decompressed {
  const { length } = message;
  if (length < minGzipBytes) return 'broken';
  const announced = Buffer.from(message.buffer, message.byteOffset, length).readUInt32LE(
    length - 4,
  );
  if (announced > maxBytes) return 'too large';
  // One byte more than will be used: zlib need not be asked twice whether that was all.
  const chunkSize = Math.max(minGzipChunkBytes, announced + 1);
  try {
    return gunzipSync(message, { maxOutputLength: Math.max(1, announced), chunkSize });
  } catch {
    return 'broken';
  }
}

/** The message gzipped, or undefined when it is better sent as it is. */
export function gzipMessage(message: Message): Uint8Array | undefined {
  const length =
    message instanceof Uint8Array
      ? message.length
      : message.reduce((sum, piece) => sum + piece.length, 0);
  if (length < minCompressedBytes || length > maxCompressedBytes) return undefined;
  const bytes = message instanceof Uint8Array ? message : Buffer.concat(message);
  const compressed = gzipSync(bytes, { level });
  return compressed.length < bytes.length ? compressed : undefined;
}
