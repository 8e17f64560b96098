import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Compression } from '@connectrpc/connect/protocol';

const compress = promisify<Uint8Array, Buffer<ArrayBuffer>>(gzip);
const decompress = promisify<Uint8Array, { maxOutputLength: number }, Buffer<ArrayBuffer>>(gunzip);

/** gzip for Connect's `acceptCompression` and `sendCompression`; off the loop, in Node's thread pool. */
export const gzipCompression: Compression = {
  name: 'gzip',
  compress: (bytes) => compress(bytes),
  decompress: async (bytes, readMaxBytes) => {
    if (bytes.length === 0) return new Uint8Array();
    try {
      return await decompress(bytes, { maxOutputLength: readMaxBytes });
    } catch (error) {
      const isTooLarge = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
      throw isTooLarge
        ? new ConnectError(
            `message is larger than ${readMaxBytes} bytes after decompression`,
            Code.ResourceExhausted,
          )
        : new ConnectError('decompression failed', Code.Internal, undefined, undefined, error);
    }
  },
};
