import http2 from 'node:http2';
import { framed, prefixBytes, streamPath, unaryPath } from '../echo-contract.ts';
import { connectionWindowBytes, streamWindowBytes } from '../windows.ts';
import type { Caller } from './caller.ts';

/**
 * Calls on the core API of `node:http2`. It reads the status and counts bytes, but cuts no messages out:
 * what a real client would do beyond that comes on top.
 */
export function callNode(port: number, messages: number): Caller {
  const session = http2.connect(`http://127.0.0.1:${port}`, {
    settings: { initialWindowSize: streamWindowBytes, enablePush: false },
  });
  session.on('connect', () => session.setLocalWindowSize(connectionWindowBytes));
  const call = (path: string, message: Buffer, replies: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let bytes = -replies * prefixBytes;
      let status: unknown;
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      stream.on('trailers', (trailers) => {
        status = trailers['grpc-status'];
      });
      stream.on('end', () => {
        if (status === '0') resolve(bytes);
        else reject(new Error(`status ${String(status)}`));
      });
      stream.on('error', reject);
      stream.end(framed(message));
    });
  return {
    unary: (message) => call(unaryPath, message, 1),
    stream: (message) => call(streamPath, message, messages),
    close: () => session.close(),
  };
}
