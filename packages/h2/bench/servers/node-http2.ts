import http2 from 'node:http2';
import { framed, prefixBytes, streamPath, ticksPath } from '../echo-contract.ts';
import { connectionWindowBytes, streamWindowBytes } from '../windows.ts';
import { Ticker } from './ticker.ts';

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' };
const trailers = { 'grpc-status': '0' };

/**
 * Echo on the core API of `node:http2`, with as little as it allows: a body is passed on as it came, its
 * message is not cut out, and a lone chunk is not joined. Windows are those of the others.
 */
export function serveNode(messages: number): http2.Http2Server {
  const ticker = new Ticker();
  const server = http2.createServer({ settings: { initialWindowSize: streamWindowBytes } });
  server.on('session', (session) => session.setLocalWindowSize(connectionWindowBytes));
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    const path = headers[':path'];
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      stream.respond(responseHeaders, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      if (path === streamPath) repeat(stream, body.subarray(prefixBytes), messages);
      else if (path === ticksPath) tick(stream, body.subarray(prefixBytes), messages, ticker);
      else stream.end(body);
    });
    stream.on('error', () => {});
  });
  return server;
}

/** Sends messages, each put together with its prefix: one write of both is quicker than two. */
function repeat(stream: http2.ServerHttp2Stream, message: Buffer, messages: number): void {
  let left = messages;
  const go = (): void => {
    while (left > 0) {
      left -= 1;
      if (!stream.write(framed(message))) return;
    }
    stream.end();
  };
  stream.on('drain', go);
  go();
}

/** The same, one in each turn. */
function tick(
  stream: http2.ServerHttp2Stream,
  message: Buffer,
  messages: number,
  ticker: Ticker,
): void {
  let left = messages;
  ticker.add({
    get isDone(): boolean {
      return left === 0;
    },
    sendOne: () => {
      if (stream.writableNeedDrain) return false;
      left -= 1;
      stream.write(framed(message));
      if (left === 0) stream.end();
      return true;
    },
  });
}
