import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import {
  type CallInfo,
  type GrpcMethod,
  GrpcServer,
  type GrpcServerOptions,
  type H2Error,
  type HttpExchange,
  type Limits,
  nodeClock,
  Status,
  type StreamCall,
  type StreamReceiver,
  type UnaryCall,
} from '@kvorum/h2';
import { EchoService } from '@kvorum/h2/testing';
import type { Certificate } from '../../framework/certificate.ts';

export interface EchoServerOptions {
  readonly limits?: Partial<Limits>;
  /** Served beside the echo, and its `fallback` instead of the plain HTTP. */
  readonly services?: Required<Pick<GrpcServerOptions, 'methods' | 'fallback'>>;
  /** Serves TLS with ALPN instead of plain TCP. */
  readonly certificate?: Certificate;
  /** Serves on this unix socket instead of a port. */
  readonly path?: string;
}

/**
 * A server of `@kvorum/h2` that others call: every kind of gRPC call under `/test.Echo/`, and plain HTTP
 * everywhere else. Listens on a port of its own, on 127.0.0.1.
 */
export class EchoServer implements Disposable {
  readonly echo = new EchoService();
  /** Why connections were closed, other than by the client's goodbye. */
  readonly errors: H2Error[] = [];
  readonly grpc: GrpcServer;
  /** Connections accepted so far. */
  acceptedConnections = 0;
  readonly #listener: net.Server;
  readonly #options: EchoServerOptions;

  static async listen(options: EchoServerOptions = {}): Promise<EchoServer> {
    const server = new EchoServer(options);
    const listener = server.#listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      if (options.path !== undefined) listener.listen(options.path, resolve);
      else listener.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  private constructor(options: EchoServerOptions) {
    this.#options = options;
    this.grpc = new GrpcServer({
      methods: new Map([
        ...this.echo.methods,
        ...this.#streamMethods(),
        ...(options.services?.methods ?? []),
      ]),
      clock: nodeClock,
      fallback: options.services?.fallback ?? ((exchange) => void answer(exchange)),
      onError: (error) => this.errors.push(error),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    const { certificate } = options;
    const accept = (socket: net.Socket): void => {
      this.acceptedConnections += 1;
      this.grpc.accept(socket);
    };
    if (certificate === undefined) {
      this.#listener = net.createServer(accept);
    } else {
      const { cert, key } = certificate;
      this.#listener = tls.createServer({ cert, key, ALPNProtocols: ['h2'] }, accept);
    }
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** As `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `${this.#options.certificate === undefined ? 'http' : 'https'}://${this.address}`;
  }

  [Symbol.dispose](): void {
    this.grpc.close();
    this.#listener.close();
  }

  #streamMethods(): [string, GrpcMethod][] {
    const silent = (): StreamReceiver => ({
      onMessage: () => {},
      onHalfClose: () => {},
      onAbort: (reason) => this.echo.abortReasons.push(reason),
    });
    return [
      ['/test.Echo/Reflect', { kind: 'unary', handle: reflect }],
      ['/test.Echo/ReflectStream', { kind: 'stream', open: reflectStream }],
      ['/test.Echo/Repeat', { kind: 'stream', open: (call) => new Repeat(call) }],
      ['/test.Echo/Collect', { kind: 'stream', open: collect }],
      ['/test.Echo/FailLate', { kind: 'stream', open: failLate }],
      ['/test.Echo/Hang', { kind: 'stream', open: silent }],
    ];
  }
}

/** Gives metadata back: `x-head` and `x-head-bin` with the headers, `x-tail` and `x-tail-bin` with the status. */
function reflectMetadata(call: CallInfo): void {
  const starting = (prefix: string): [string, string][] =>
    [...call.metadata.entries()].filter(([name]) => name.startsWith(prefix));
  call.setHeaders(starting('x-head'));
  call.setTrailers(starting('x-tail'));
}

/** Fails when it is asked to by its request. */
function reflect(request: Uint8Array, call: UnaryCall): void {
  reflectMetadata(call);
  if (request.length === 0) call.reply(request);
  else call.fail(Status.aborted, Buffer.from(request).toString());
}

function reflectStream(call: StreamCall): StreamReceiver {
  reflectMetadata(call);
  return {
    onMessage: (message) => void call.send(message),
    onHalfClose: () => call.end(),
    onAbort: () => {},
  };
}

/** A stream of answers: a request such as `30 1000` asks for 30 messages of 1000 bytes, numbered from 0. */
class Repeat implements StreamReceiver {
  readonly #call: StreamCall;
  #sent = 0;
  #count = 0;
  #size = 0;

  constructor(call: StreamCall) {
    this.#call = call;
  }

  onMessage(message: Uint8Array): void {
    [this.#count = 0, this.#size = 0] = Buffer.from(message).toString().split(' ').map(Number);
  }

  onHalfClose(): void {
    this.onDrain();
  }

  /** Never sends ahead of what the peer takes. */
  onDrain(): void {
    let mayGoOn = true;
    while (mayGoOn && this.#sent < this.#count) {
      mayGoOn = this.#call.send(Buffer.alloc(this.#size, this.#sent));
      this.#sent += 1;
    }
    if (mayGoOn) this.#call.end();
  }

  onAbort(): void {}
}

/** A stream of questions; the one answer says how many there were and how long together. */
function collect(call: StreamCall): StreamReceiver {
  let count = 0;
  let size = 0;
  return {
    onMessage: (message) => {
      count += 1;
      size += message.length;
    },
    onHalfClose: () => {
      call.send(Buffer.from(`${count} messages, ${size} bytes`));
      call.end();
    },
    onAbort: () => {},
  };
}

/** Echoes, and then fails all the same. */
function failLate(call: StreamCall): StreamReceiver {
  return {
    onMessage: (message) => void call.send(message),
    onHalfClose: () => call.end(Status.dataLoss, 'lost it, späte', Buffer.from([3, 2, 1])),
    onAbort: () => {},
  };
}

/**
 * Plain HTTP: the request's fields as JSON at `/fields`, `/bytes?n=…` is as long as asked, `/refused` is
 * answered before its body has come, `/collected` after, and everything else gives back the body as it
 * comes, with a trailer.
 */
async function answer(exchange: HttpExchange): Promise<void> {
  const { method, path } = exchange;
  const type: [string, string] = ['content-type', 'application/octet-stream'];
  if (method === 'HEAD') {
    await exchange.respond(200, [type, ['content-length', '1234']]);
  } else if (path.startsWith('/fields')) {
    const fields = JSON.stringify([['method', method], ...exchange.headers.entries()]);
    await exchange.respond(200, [type], Buffer.from(fields));
  } else if (path.startsWith('/bytes?n=')) {
    const size = Number(path.slice('/bytes?n='.length));
    await exchange.respond(200, [type, ['content-length', `${size}`]], Buffer.alloc(size, 'x'));
  } else if (path.startsWith('/nothing')) {
    await exchange.respond(204, []);
  } else if (path === '/refused') {
    await exchange.respond(403, [type], Buffer.from('no'));
  } else if (path === '/collected') {
    const pieces: Uint8Array[] = [];
    for await (const piece of exchange.body) pieces.push(piece);
    await exchange.respond(200, [type], Buffer.concat(pieces));
  } else {
    await exchange.respond(200, [type], exchange.body, () => [['x-trailer', 'the end']]);
  }
}
