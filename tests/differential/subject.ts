import type { DescMethodUnary } from '@bufbuild/protobuf';
import { fromJson, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import {
  LeaseKeepAliveRequestSchema,
  LeaseKeepAliveResponseSchema,
  type RangeRequest,
  RangeRequestSchema,
  RangeResponseSchema,
  WatchCreateRequestSchema,
} from '@kvorum/api';
import { TestClient } from '../framework/client.ts';
import { type StreamNumber, type UnaryName, unaryMethods } from './call.ts';
import { canonicalResponse } from './canonical.ts';
import { WatchLog } from './watch-log.ts';

/** What a server said to a call: its answer, or why it refused. */
export type Answer =
  | { readonly response: JsonObject }
  | { readonly code: number; readonly message: string };

/** One of the two servers that are compared, seen through one client. */
export class Subject {
  readonly #client: TestClient;
  readonly #logs: WatchLog[] = [];

  private constructor(client: TestClient) {
    this.#client = client;
  }

  static async connect(url: string): Promise<Subject> {
    const subject = new Subject(new TestClient(url));
    for (const stream of [0, 1, 2] as const) await subject.reopen(stream);
    return subject;
  }

  /** Calls a method with a request in JSON form. */
  async call(method: UnaryName, request: JsonObject): Promise<Answer> {
    const desc: DescMethodUnary = unaryMethods[method];
    return refusalOr(async () => {
      const input = fromJson(desc.input, request);
      const { transport } = this.#client;
      const { message } = await transport.unary(desc, undefined, undefined, undefined, input);
      const response = toJson(desc.output, message) as JsonObject;
      return canonicalResponse(method, request, response);
    });
  }

  /** One keep-alive on a stream of its own. */
  async keepAlive(request: JsonObject): Promise<Answer> {
    return refusalOr(async () => {
      const input = fromJson(LeaseKeepAliveRequestSchema, request);
      const responses = this.#client.lease.leaseKeepAlive(once(input));
      const answers: JsonValue[] = [];
      for await (const one of responses) answers.push(toJson(LeaseKeepAliveResponseSchema, one));
      return { answers };
    });
  }

  /** The answer of RangeStream, put together to the one that Range would give. */
  async rangeStream(request: JsonObject): Promise<Answer> {
    return refusalOr(async () => {
      const input: RangeRequest = fromJson(RangeRequestSchema, request);
      const merged: JsonObject = { kvs: [] };
      for await (const { rangeResponse } of this.#client.kv.rangeStream(input)) {
        if (rangeResponse === undefined) continue;
        const { kvs = [], ...rest } = toJson(RangeResponseSchema, rangeResponse) as JsonObject;
        if (Array.isArray(merged.kvs) && Array.isArray(kvs)) merged.kvs.push(...kvs);
        Object.assign(merged, rest);
      }
      // It comes in the order of keys, whatever the sort target.
      const { sortTarget: _, ...unsorted } = request;
      return canonicalResponse('range', unsorted, merged);
    });
  }

  async watch(stream: StreamNumber, request: JsonObject): Promise<Answer> {
    return refusalOr(() => this.log(stream).create(fromJson(WatchCreateRequestSchema, request)));
  }

  log(stream: StreamNumber): WatchLog {
    const log = this.#logs[stream];
    if (log === undefined) throw new Error(`no stream ${stream}`);
    return log;
  }

  async reopen(stream: StreamNumber): Promise<void> {
    await this.#logs[stream]?.close();
    this.#logs[stream] = await WatchLog.open(this.#client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const log of this.#logs) await log.close();
    this.#client[Symbol.dispose]();
  }
}

async function refusalOr(answer: () => Promise<JsonObject>): Promise<Answer> {
  try {
    return { response: await answer() };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return { code: error.code, message: error.rawMessage };
  }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}
