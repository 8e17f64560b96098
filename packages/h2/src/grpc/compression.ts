import { gunzipSync, gzipSync } from 'node:zlib';
import type { Message } from './types.ts';

/** Encodings that we can read and write, as `grpc-accept-encoding` lists them. */
export const acceptedEncodings = 'identity,gzip';

/** Smaller messages do not shrink enough to be worth it. */
const minCompressedBytes = 1024;

/** Level 1 takes a third of the default's time for nine tenths of its effect. */
const level = 1;

/** What became of a compressed message. */
export type Decompressed = Uint8Array | 'too large' | 'broken';

/** Decompresses a message in place of the caller: at most `maxBytes`, which bounds time and memory. */
export function gunzipMessage(message: Uint8Array, maxBytes: number): Decompressed {
  try {
    return gunzipSync(message, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    const isTooLarge = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
    return isTooLarge ? 'too large' : 'broken';
  }
}

/** The message gzipped, or undefined when it is better sent as it is. */
export function gzipMessage(message: Message): Uint8Array | undefined {
  const bytes = message instanceof Uint8Array ? message : Buffer.concat(message);
  if (bytes.length < minCompressedBytes) return undefined;
  const compressed = gzipSync(bytes, { level });
  return compressed.length < bytes.length ? compressed : undefined;
}
