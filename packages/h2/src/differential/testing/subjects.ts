import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { crc32 } from 'node:zlib';
import { GrpcServer } from '../../grpc/server.ts';
import type { GrpcMethod, HttpExchange } from '../../grpc/types.ts';
import { ManualClock } from '../../testing/manual-clock.ts';

/** A server that speaks HTTP/2 on any byte stream, and behaves as the others do. */
export interface Subject {
  accept(stream: Duplex): void;
  /** Connections and streams that it still holds. */
  held(): number;
}

/** What a path answers, on every subject. Undefined: nothing, ever. */
function answerOf(path: string, body: Buffer): Answer | undefined {
  const [, name = '', argument = ''] = path.split('/');
  if (name === 'hold') return undefined;
  if (name === 'trailers') return { status: 200, body, trailers: { 'x-t': '1' } };
  if (name === 'big') return { status: 200, body: Buffer.alloc(Number(argument) || 0, 'b') };
  if (name === 'status') return { status: Number(argument) || 500, body: Buffer.alloc(0) };
  if (path === '/echo') return { status: 200, body };
  return { status: 404, body: Buffer.from('none') };
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly trailers?: Readonly<Record<string, string>>;
}

/** The server of this package. */
export function ourSubject(): Subject {
  const methods = new Map<string, GrpcMethod>([
    ['/test.Echo/Unary', { kind: 'unary', handle: (request, call) => call.reply(request) }],
    [
      '/test.Echo/Stream',
      {
        kind: 'stream',
        open: (call) => {
          const messages: Uint8Array[] = [];
          return {
            onMessage: (message) => void messages.push(message),
            onHalfClose: () => {
              for (const message of messages) call.send(message);
              call.end();
            },
            onAbort: () => {},
          };
        },
      },
    ],
  ]);
  const server = new GrpcServer({
    clock: new ManualClock(),
    methods,
    // Time stands still here, so every PING would come too soon.
    limits: { pingMinIntervalMs: 0, pingWithoutStreams: true },
    fallback: (exchange) => void serve(exchange).catch(() => {}),
  });
  return { accept: (stream) => void server.accept(stream), held: () => server.connectionCount };
}

async function serve(exchange: HttpExchange): Promise<void> {
  if (exchange.path === '/early') {
    await exchange.respond(200, digestHeader(exchange.headers.entries()), Buffer.from('early'));
    return;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of exchange.body) chunks.push(chunk);
  const answer = answerOf(exchange.path, Buffer.concat(chunks));
  if (answer === undefined) return;
  const { trailers } = answer;
  const sendTrailers = trailers === undefined ? undefined : () => Object.entries(trailers);
  const headers = digestHeader(exchange.headers.entries());
  await exchange.respond(answer.status, headers, answer.body, sendTrailers);
}

/** Tells what was understood of the fields, crumbs of cookies put together (RFC 9113 §8.2.3). */
function digestHeader(fields: Iterable<readonly [string, string]>): [string, string][] {
  const cookies: string[] = [];
  const others: string[] = [];
  for (const [name, value] of fields) {
    if (name === 'cookie') cookies.push(value);
    else if (!name.startsWith(':')) others.push(`${name}=${value}`);
  }
  const text = [...others.sort(), cookies.join('; ')].join('\n');
  return [['x-d', String(crc32(Buffer.from(text, 'latin1')))]];
}

function* pairs(flat: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i] as string, flat[i + 1] as string];
}

/** The oracle: Node's server, on nghttp2. */
export function nodeSubject(): Subject {
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 20 } });
  const sessions = new Set<http2.Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => {});
  server.on('stream', (http2Stream, headers, _flags, flat: string[]) => {
    const stream = http2Stream as http2.ServerHttp2Stream;
    stream.on('error', () => {});
    const digest = Object.fromEntries(digestHeader(pairs(flat)));
    const path = String(headers[':path'] ?? '');
    const atOnce = earlyAnswerOf(path, headers);
    if (atOnce !== undefined) {
      respond(stream, atOnce, digest);
      stream.resume();
      return;
    }
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.destroyed || stream.aborted) return;
      const body = Buffer.concat(chunks);
      const answer = isGrpc(headers) ? grpcAnswerOf(path, body) : answerOf(path, body);
      if (answer !== undefined) respond(stream, answer, digest);
    });
  });
  return {
    accept: (stream) => {
      stream.on('error', () => {});
      server.emit('connection', stream);
    },
    held: () => sessions.size,
  };
}

/** What is answered without looking at the body. */
function earlyAnswerOf(path: string, headers: http2.IncomingHttpHeaders): Answer | undefined {
  if (!isGrpc(headers)) {
    return path === '/early' ? { status: 200, body: Buffer.from('early') } : undefined;
  }
  if (headers[':method'] !== 'POST') return { ...grpcFailure, status: 405 };
  return path === '/test.Echo/Unary' || path === '/test.Echo/Stream' ? undefined : grpcFailure;
}

const grpcFailure: Answer = {
  status: 200,
  body: Buffer.alloc(0),
  trailers: { 'grpc-status': '2' },
};

function isGrpc(headers: http2.IncomingHttpHeaders): boolean {
  return /^application\/grpc([+;].*)?$/i.test(String(headers['content-type'] ?? ''));
}

function respond(
  stream: http2.ServerHttp2Stream,
  answer: Answer,
  digest: Readonly<Record<string, string>>,
): void {
  const { status, body, trailers } = answer;
  try {
    stream.respond({ ':status': status, ...digest }, { waitForTrailers: trailers !== undefined });
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  } catch {
    // The stream was closed meanwhile, or bears no answer of this kind.
    stream.destroy();
  }
}

/** What the echo methods answer to bodies that are, or aren't, whole messages. */
function grpcAnswerOf(path: string, body: Buffer): Answer {
  const ok = { 'grpc-status': '0' };
  let at = 0;
  while (at < body.length) {
    if (at + 5 > body.length || body[at] !== 0) return grpcFailure;
    at += 5 + body.readUInt32BE(at + 1);
    if (at > body.length) return grpcFailure;
    // What follows the first message of a unary call is not looked at.
    if (path === '/test.Echo/Unary') break;
  }
  if (path === '/test.Echo/Unary' && at === 0) return grpcFailure;
  return { status: 200, body: body.subarray(0, at), trailers: ok };
}
