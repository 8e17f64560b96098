import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { within } from './eventually.ts';

export interface RawRequest {
  /** Default POST. */
  readonly method?: string;
  readonly path: string;
  /** Default `application/grpc`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** An answer as it came, before any library made something of it. */
export interface RawAnswer {
  readonly httpStatus: number | undefined;
  /** From the trailers, or the headers of an answer without a body. */
  readonly grpcStatus: number | undefined;
  readonly grpcMessage: string;
  readonly body: Buffer;
  /** Code of the frame that reset the stream; 0 when it ended well. */
  readonly resetCode: number;
}

/** A gRPC message with its five bytes of prefix. */
export function grpcFrame(message: Uint8Array, compressed = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** One HTTP/2 connection on which anything can be said. */
export class RawConnection {
  readonly #session: ClientHttp2Session;

  constructor(url: string) {
    this.#session = connect(url);
    // A test sees the failure in its calls.
    this.#session.on('error', () => {});
  }

  /** Whether the server has ended the connection, or is about to. */
  get hasEnded(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  /** Starts a request and leaves it open; the caller reads and writes. */
  open(request: RawRequest): ClientHttp2Stream {
    const stream = this.#session.request({
      ':method': request.method ?? 'POST',
      ':path': request.path,
      'content-type': request.contentType ?? 'application/grpc',
      te: 'trailers',
      ...request.headers,
    });
    // The close event tells of a reset.
    stream.on('error', () => {});
    if (request.body !== undefined) stream.write(request.body);
    return stream;
  }

  /** Sends a whole request and resolves with the answer. */
  call(request: RawRequest): Promise<RawAnswer> {
    const stream = this.open(request);
    stream.end();
    return within(`an answer to ${request.path}`, answerOf(stream));
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<RawAnswer> {
  const fields = new Map<string, string>();
  const chunks: Buffer[] = [];
  const note = (received: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(received)) fields.set(name, `${value}`);
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const number = (name: string) => (fields.has(name) ? Number(fields.get(name)) : undefined);
  return new Promise((resolve) => {
    stream.on('close', () => {
      resolve({
        httpStatus: number(':status'),
        grpcStatus: number('grpc-status'),
        grpcMessage: decodeURIComponent(fields.get('grpc-message') ?? ''),
        body: Buffer.concat(chunks),
        resetCode: stream.rstCode ?? constants.NGHTTP2_NO_ERROR,
      });
    });
  });
}
