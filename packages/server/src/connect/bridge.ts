import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type MethodImpl,
} from '@connectrpc/connect';
import type {
  AbortReason,
  GrpcMethod,
  GrpcService,
  HeaderFields,
  Message,
  Metadata,
  StreamCall,
  StreamReceiver,
} from '@kvorum/h2';

/**
 * Serves the raw methods of the gRPC port over Connect and gRPC-Web too: the same handlers, behind Connect's codecs.
 * Methods that `methods` doesn't have are answered as unimplemented.
 */
export function bridgeServices(services: readonly DescService[], methods: GrpcService) {
  return (router: ConnectRouter): void => {
    for (const service of services) {
      for (const method of service.methods) {
        const raw = methods.get(`/${service.typeName}/${method.name}`);
        if (raw !== undefined) router.rpc(method, implement(method, raw));
      }
    }
  };
}

/** Connect's types tie each implementation to its method's kind; the kind is checked here instead. */
function implement<M extends DescMethod>(method: M, raw: GrpcMethod): MethodImpl<M> {
  const implementation =
    raw.kind === 'unary'
      ? (request: never, context: HandlerContext) => callUnary(method, raw, request, context)
      : method.methodKind === 'server_streaming'
        ? (request: never, context: HandlerContext) =>
            callStream(method, raw, one(request), context)
        : (requests: never, context: HandlerContext) => callStream(method, raw, requests, context);
  return implementation as unknown as MethodImpl<M>;
}

type UnaryRaw = Extract<GrpcMethod, { kind: 'unary' }>;
type StreamRaw = Extract<GrpcMethod, { kind: 'stream' }>;

async function callUnary(
  method: DescMethod,
  raw: UnaryRaw,
  request: never,
  context: HandlerContext,
): Promise<unknown> {
  const bytes = toBinary(method.input, request);
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const info = callInfo(context);
  raw.handle(bytes, {
    ...info,
    get aborted() {
      return context.signal.aborted;
    },
    get connection() {
      return noConnection();
    },
    onAbort: (callback) => {
      context.signal.addEventListener('abort', () => callback('cancelled'), { once: true });
    },
    reply: (message) => resolve(joined(message)),
    fail: (status, text) => reject(new ConnectError(text, status)),
  });
  return fromBinary(method.output, await promise);
}

async function* callStream(
  method: DescMethod,
  raw: StreamRaw,
  requests: AsyncIterable<never>,
  context: HandlerContext,
): AsyncGenerator<unknown> {
  const call = new BridgedStream(context);
  const receiver = raw.open(call);
  const abort = () => receiver.onAbort('cancelled' satisfies AbortReason);
  context.signal.addEventListener('abort', abort, { once: true });
  feed(method, receiver, requests, context).catch(() => receiver.onAbort('cancelled'));
  try {
    for (;;) {
      const message = await call.next(receiver);
      if (message === undefined) return;
      yield fromBinary(method.output, message);
    }
  } finally {
    context.signal.removeEventListener('abort', abort);
    if (!call.ended) receiver.onAbort('cancelled');
  }
}

async function feed(
  method: DescMethod,
  receiver: StreamReceiver,
  requests: AsyncIterable<never>,
  context: HandlerContext,
): Promise<void> {
  for await (const request of requests) {
    if (context.signal.aborted) return;
    receiver.onMessage(toBinary(method.input, request));
  }
  if (!context.signal.aborted) receiver.onHalfClose();
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}

/** Messages that wait for the client above which the handler is told to pause. */
const HIGH_WATER_MESSAGES = 64;

/** The handler's side of a bridged stream: what it sends waits here until Connect asks for it. */
class BridgedStream implements StreamCall {
  readonly metadata: Metadata;
  readonly peer: string;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string;
  readonly timeoutMs: number | undefined;
  readonly remainingMs: () => number | undefined;
  readonly setHeaders: (metadata: HeaderFields) => void;
  readonly setTrailers: (metadata: HeaderFields) => void;
  ended = false;
  readonly #context: HandlerContext;
  #queue: Uint8Array[] = [];
  #error: ConnectError | undefined;
  #wake: (() => void) | undefined;
  #full = false;

  constructor(context: HandlerContext) {
    const info = callInfo(context);
    this.#context = context;
    this.metadata = info.metadata;
    this.peer = info.peer;
    this.path = info.path;
    this.scheme = info.scheme;
    this.authority = info.authority;
    this.remainingMs = info.remainingMs;
    this.setHeaders = info.setHeaders;
    this.setTrailers = info.setTrailers;
    this.timeoutMs = info.timeoutMs;
    context.signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  get connection(): never {
    return noConnection();
  }

  get aborted(): boolean {
    return this.#context.signal.aborted;
  }

  send(message: Message): boolean {
    if (this.ended || this.aborted) return true;
    this.#queue.push(joined(message));
    this.#wake?.();
    this.#full = this.#queue.length >= HIGH_WATER_MESSAGES;
    return !this.#full;
  }

  end(status = 0, text = ''): void {
    if (this.ended) return;
    this.ended = true;
    if (status !== 0) this.#error = new ConnectError(text, status);
    this.#wake?.();
  }

  /** Requests aren't held back: Connect reads them one by one already. */
  pause(): void {}

  resume(): void {}

  /** The next message for the client, undefined at the end. Throws the status that the handler ended with. */
  async next(receiver: StreamReceiver): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        if (this.#full && this.#queue.length === 0) {
          this.#full = false;
          receiver.onDrain?.();
        }
        return message;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.ended || this.aborted) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

function append(headers: Headers, metadata: HeaderFields): void {
  for (const [name, value] of metadata) headers.append(name, value);
}

function callInfo(context: HandlerContext) {
  const url = new URL(context.url);
  return {
    metadata: headersAsMetadata(context.requestHeader),
    peer: '',
    path: url.pathname,
    scheme: url.protocol.slice(0, -1),
    authority: url.host,
    timeoutMs: context.timeoutMs(),
    remainingMs: context.timeoutMs,
    setHeaders: (metadata: HeaderFields) => append(context.responseHeader, metadata),
    setTrailers: (metadata: HeaderFields) => append(context.responseTrailer, metadata),
  };
}

function headersAsMetadata(headers: Headers): Metadata {
  const get = (name: string) => headers.get(name) ?? undefined;
  return {
    get,
    getAll: (name) => (headers.has(name) ? [headers.get(name) ?? ''] : []),
    getBinary: (name) => {
      const value = get(name);
      return value === undefined ? undefined : Buffer.from(value, 'base64');
    },
    entries: () => headers.entries(),
  };
}

/** Connect hides what a call came on. */
function noConnection(): never {
  throw new Error('a call over Connect has no connection object');
}

function joined(message: Message): Uint8Array {
  return message instanceof Uint8Array ? message : Buffer.concat(message);
}
