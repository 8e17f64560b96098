import type { DescService } from '@bufbuild/protobuf';
import { grpcStatus } from '@kvorum/api';
import type { GrpcService, HeaderFields, StreamMethod, UnaryMethod } from '@kvorum/h2';
import { splitTarget } from '../http/http-message.ts';
import { parseTimeout } from '../transport/grpc-timeout.ts';
import { unknownMethodText } from '../transport/refusal.ts';
import { type BoundMethod, bindMethods } from './bindings.ts';
import type { GatewayExchange } from './exchange.ts';
import type { CallParts } from './gateway-call.ts';
import { httpStatusOf, statusJson } from './http-status.ts';
import { BodyTooLargeError, JsonError } from './json/json-error.ts';
import { messageFromJson } from './json/message-from-json.ts';
import { messageToJson } from './json/message-to-json.ts';
import { firstValue, GoneError, jsonValues } from './request-body.ts';
import { errorLine, GatewayStreamCall } from './stream-call.ts';
import { GatewayUnaryCall } from './unary-call.ts';

export interface GatewayOptions extends CallParts {
  readonly services: readonly DescService[];
  /** What the member serves, as for gRPC. */
  readonly methods: GrpcService;
}

/** Requests of a stream that are handed on before others have their turn. */
const REQUESTS_PER_TURN = 64;
/** JSON may take more than the message it stands for: base64 does by a third, and people write spaces. */
const JSON_OVERHEAD = 2;
/** etcd 3.3's name for the same. */
const OLD_PREFIX = '/v3beta/';
const PREFIX = '/v3/';

/** Something is wrong with a call before its method has heard of it. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/**
 * etcd's JSON gateway: the methods of the member as POST requests below /v3, over whichever HTTP version. Answers are
 * those of etcd 3.7.
 */
export class Gateway {
  readonly #parts: CallParts;
  readonly #methods: GrpcService;
  readonly #bound: ReadonlyMap<string, BoundMethod>;
  /** Of a request as JSON. */
  readonly maxBodyBytes: number;

  constructor(options: GatewayOptions) {
    this.#parts = options;
    this.#methods = options.methods;
    this.#bound = bindMethods(options.services, options.methods);
    this.maxBodyBytes = options.maxMessageBytes * JSON_OVERHEAD;
  }

  /** The paths that it answers, such as `/v3/kv/put`. */
  get paths(): readonly string[] {
    return [...this.#bound.keys()];
  }

  /** Whether a request is the gateway's to answer, by its target. */
  owns(target: string): boolean {
    const { path } = splitTarget(target);
    return path.startsWith(PREFIX) || path.startsWith(OLD_PREFIX);
  }

  /** Answers a request; `cors` goes out with whatever the answer is. */
  serve(exchange: GatewayExchange, cors: HeaderFields = []): void {
    void this.#serve(exchange, cors);
  }

  async #serve(exchange: GatewayExchange, cors: HeaderFields): Promise<void> {
    const bound = this.#bound.get(pathOf(exchange.path));
    try {
      if (bound === undefined) throw new Refusal(grpcStatus.notFound, 'Not Found');
      if (exchange.method !== 'POST') {
        throw new Refusal(grpcStatus.unimplemented, 'Method Not Allowed');
      }
      const timeoutMs = timeoutOf(exchange);
      refuseBrokenBinary(exchange);
      const { method } = bound;
      if (method === undefined) {
        const text = unknownMethodText(bound.grpcPath, this.#methods);
        throw new Refusal(grpcStatus.unimplemented, text);
      }
      if (method.kind === 'unary') await this.#unary(exchange, cors, bound, method, timeoutMs);
      else await this.#stream(exchange, cors, bound, method, timeoutMs);
    } catch (error) {
      if (error instanceof GoneError) return;
      const { status, message } = refusalOf(error, this.maxBodyBytes);
      await respondStatus(exchange, cors, status, message);
    }
  }

  async #unary(
    exchange: GatewayExchange,
    cors: HeaderFields,
    bound: BoundMethod,
    method: UnaryMethod,
    timeoutMs: number | undefined,
  ): Promise<void> {
    const { clock } = this.#parts;
    const startMs = clock.nowMs();
    let call: GatewayUnaryCall | undefined;
    exchange.onAbort(() => call?.abort());
    const request = this.#message(bound, await firstValue(exchange.body, this.maxBodyBytes));
    const leftMs = timeoutMs === undefined ? undefined : timeoutMs - (clock.nowMs() - startMs);
    if (leftMs !== undefined && leftMs <= 0) {
      throw new Refusal(grpcStatus.deadlineExceeded, 'context deadline exceeded');
    }
    call = new GatewayUnaryCall(this.#parts, bound, exchange, leftMs);
    const result = await call.run(method, request);
    if (result.kind === 'gone') return;
    if (result.kind === 'failure') throw new Refusal(result.status, result.text);
    const pieces = messageToJson(bound.output, result.message);
    const first = Buffer.from(pieces.next().value ?? '');
    const second = pieces.next();
    const headers = [...cors, ...call.answerHeaders()];
    if (second.done === true) {
      await exchange.respond(200, [...headers, lengthOf(first)], first);
      return;
    }
    const nextTurn = () => new Promise<void>((resolve) => clock.nextTurn(resolve));
    await exchange.respond(200, headers, inTurns(first, second.value, pieces, nextTurn));
  }

  async #stream(
    exchange: GatewayExchange,
    cors: HeaderFields,
    bound: BoundMethod,
    method: StreamMethod,
    timeoutMs: number | undefined,
  ): Promise<void> {
    let call: GatewayStreamCall | undefined;
    exchange.onAbort(() => call?.abort());
    const isServerStream = bound.kind === 'server_streaming';
    const only = isServerStream
      ? this.#message(bound, await firstValue(exchange.body, this.maxBodyBytes))
      : undefined;
    if (!isServerStream) exchange.allowSilence();
    call = new GatewayStreamCall(this.#parts, bound, exchange, timeoutMs);
    call.open(method);
    void (only === undefined ? this.#feed(call, bound, exchange) : deliver(call, only));
    const start = await call.start.promise;
    if (start === undefined) return;
    const lines = call.lines(bound.output);
    if (start === 'message') {
      await exchange.respond(200, [...cors, ...call.answerHeaders()], lines);
    } else if (start.status === grpcStatus.ok) {
      await exchange.respond(200, [...cors, lengthOf(empty)]);
    } else {
      const line = errorLine(start.status, start.text);
      const headers = [...cors, ['content-type', 'application/json'] as const, lengthOf(line)];
      await exchange.respond(httpStatusOf(start.status), headers, line);
    }
  }

  /** Hands the requests of a stream on as they come. */
  async #feed(call: GatewayStreamCall, bound: BoundMethod, exchange: GatewayExchange) {
    let count = 0;
    try {
      for await (const value of jsonValues(exchange.body, this.maxBodyBytes)) {
        await call.receive(this.#message(bound, value));
        if (call.isOver) return;
        count += 1;
        if (count % REQUESTS_PER_TURN === 0) {
          await new Promise<void>((resolve) => this.#parts.clock.nextTurn(resolve));
        }
      }
    } catch (error) {
      if (error instanceof GoneError) return;
      const { status, message } = refusalOf(error, this.maxBodyBytes);
      // etcd takes requests that can't be read for the end of them. Before there was any that would mean silence.
      if (count === 0) call.refuse(status, message);
    }
    await call.halfClose();
  }

  /** Throws what the client shall be told of a request that is none. */
  #message({ input }: BoundMethod, json: Uint8Array | undefined): Uint8Array {
    const message = json === undefined ? new Uint8Array(0) : messageFromJson(input, json);
    const { maxMessageBytes } = this.#parts;
    if (message.length <= maxMessageBytes) return message;
    throw new Refusal(
      grpcStatus.resourceExhausted,
      `grpc: received message larger than max (${message.length} vs. ${maxMessageBytes})`,
    );
  }
}

async function deliver(call: GatewayStreamCall, request: Uint8Array): Promise<void> {
  await call.receive(request);
  await call.halfClose();
}

async function* inTurns(
  first: Uint8Array,
  second: string,
  rest: Iterable<string>,
  nextTurn: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield Buffer.from(second);
  for (const piece of rest) {
    await nextTurn();
    yield Buffer.from(piece);
  }
}

/** The path that a target means, under its present name. */
function pathOf(target: string): string {
  const { path } = splitTarget(target);
  let plain = path;
  try {
    plain = decodeURIComponent(path);
  } catch {
    // No path has a percent sign, so it's an unknown one anyway.
  }
  return plain.startsWith(OLD_PREFIX) ? PREFIX + plain.slice(OLD_PREFIX.length) : plain;
}

function timeoutOf({ headers }: GatewayExchange): number | undefined {
  const value = headers.get('grpc-timeout');
  if (value === undefined || value === '') return undefined;
  const timeoutMs = parseTimeout(value);
  if (timeoutMs === undefined) {
    throw new Refusal(grpcStatus.invalidArgument, `invalid grpc-timeout: ${value}`);
  }
  return timeoutMs === 0 ? undefined : timeoutMs;
}

/** Metadata whose name ends in -bin is base64. */
function refuseBrokenBinary({ headers }: GatewayExchange): void {
  for (const [name, value] of headers.entries()) {
    if (!name.startsWith('grpc-metadata-') || !name.endsWith('-bin')) continue;
    const fault = value.replace(/={0,2}$/, '').search(/[^A-Za-z0-9+/]/);
    if (fault < 0) continue;
    const spelled = name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
    const text = `invalid binary header ${spelled}: illegal base64 data at input byte ${fault}`;
    throw new Refusal(grpcStatus.invalidArgument, text);
  }
}

/** What the client is told; anything else is a bug, and thrown on. */
function refusalOf(error: unknown, maxBodyBytes: number): { status: number; message: string } {
  if (error instanceof Refusal) return error;
  if (error instanceof JsonError) {
    return { status: grpcStatus.invalidArgument, message: error.message };
  }
  if (error instanceof BodyTooLargeError) {
    const message = `the body of the request is larger than ${maxBodyBytes} bytes`;
    return { status: grpcStatus.resourceExhausted, message };
  }
  throw error;
}

async function respondStatus(
  exchange: GatewayExchange,
  cors: HeaderFields,
  status: number,
  text: string,
): Promise<void> {
  const headers: [string, string][] = [['content-type', 'application/json']];
  if (status === grpcStatus.unauthenticated) headers.push(['www-authenticate', text]);
  const body = Buffer.from(statusJson(status, text));
  await exchange.respond(httpStatusOf(status), [...cors, ...headers, lengthOf(body)], body);
}

const empty = new Uint8Array(0);

function lengthOf(body: Uint8Array): readonly [string, string] {
  return ['content-length', String(body.length)];
}
