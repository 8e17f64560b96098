import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
} from '@bufbuild/protobuf';
import {
  type ContextValues,
  createContextValues,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from '@connectrpc/connect';
import {
  type CommonTransportOptions,
  createMethodSerializationLookup,
  type MethodSerializationLookup,
  runStreamingCall,
  runUnaryCall,
} from '@connectrpc/connect/protocol';
import { CallError, type CallStatus } from '../grpc/call-status.ts';
import type { GrpcClient } from '../grpc/client.ts';
import type { CallOptions } from '../grpc/client-types.ts';
import type { Metadata } from '../grpc/types.ts';
import { ClientStreamRun } from './client-stream-run.ts';
import { errorOfRequest, errorOfStatus } from './connect-status.ts';
import { toHeaders } from './headers.ts';

/** What `Headers` are made from. */
type HeaderSource = ConstructorParameters<typeof Headers>[0];

/** What calls of one method have in common. */
interface CallSite<I extends DescMessage, O extends DescMessage> {
  readonly path: string;
  readonly url: string;
  readonly serialization: MethodSerializationLookup<I, O>;
}

/** gRPC with Protobuf, by the codec of `GrpcClient`. */
export class GrpcTransport implements Transport {
  readonly #client: GrpcClient;
  readonly #options: CommonTransportOptions;
  readonly #waitForReady: boolean;
  readonly #sites = new Map<DescMethod, CallSite<DescMessage, DescMessage>>();

  constructor(client: GrpcClient, options: CommonTransportOptions, waitForReady: boolean) {
    this.#client = client;
    this.#options = options;
    this.#waitForReady = waitForReady;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderSource,
    input: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const site = this.#siteOf(method);
    const limits = this.#limitsOf(signal, timeoutMs);
    return runUnaryCall<I, O>({
      ...limits,
      interceptors: this.#options.interceptors,
      req: {
        stream: false,
        service: method.parent,
        method,
        requestMethod: 'POST',
        url: site.url,
        header: new Headers(header),
        contextValues: contextValues ?? createContextValues(),
        message: input,
      },
      next: (request) => this.#callUnary(site, request, limits.timeoutMs),
    });
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderSource,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const site = this.#siteOf(method);
    const limits = this.#limitsOf(signal, timeoutMs);
    return runStreamingCall<I, O>({
      ...limits,
      interceptors: this.#options.interceptors,
      req: {
        stream: true,
        service: method.parent,
        method,
        requestMethod: 'POST',
        url: site.url,
        header: new Headers(header),
        contextValues: contextValues ?? createContextValues(),
        message: input,
      },
      next: async (request) => {
        const { serialization, path } = site;
        const run = new ClientStreamRun(serialization.getI(true), serialization.getO(true));
        const options = this.#callOptions(request, limits.timeoutMs);
        run.begin((receiver) => this.#client.stream(path, receiver, options), request.message);
        const head = await run.head;
        return { ...request, header: toHeaders(head.entries()), ...run.response };
      },
    });
  }

  async #callUnary<I extends DescMessage, O extends DescMessage>(
    site: CallSite<I, O>,
    request: UnaryRequest<I, O>,
    timeoutMs: number | undefined,
  ): Promise<UnaryResponse<I, O>> {
    const { serialization, path } = site;
    let head: Metadata | undefined;
    let status: CallStatus | undefined;
    let reply: Uint8Array;
    try {
      reply = await this.#client.unary(path, serialization.getI(true).serialize(request.message), {
        ...this.#callOptions(request, timeoutMs),
        onHead: (metadata) => {
          head = metadata;
        },
        onEnd: (end) => {
          status = end;
        },
      });
    } catch (error) {
      throw error instanceof CallError
        ? errorOfStatus(error.callStatus, head)
        : errorOfRequest(error);
    }
    return {
      stream: false,
      service: request.service,
      method: request.method,
      header: toHeaders(head?.entries() ?? []),
      message: serialization.getO(true).parse(reply),
      trailer: toHeaders(status?.metadata.entries() ?? []),
    };
  }

  #callOptions(
    { header, signal }: { readonly header: Headers; readonly signal: AbortSignal },
    timeoutMs: number | undefined,
  ): CallOptions {
    const options = { metadata: header, signal, waitForReady: this.#waitForReady };
    return timeoutMs === undefined ? options : { ...options, timeoutMs };
  }

  /** A time-out of nothing means none, as in Connect's own transports. */
  #limitsOf(
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined = this.#options.defaultTimeoutMs,
  ): { signal?: AbortSignal; timeoutMs?: number } {
    return {
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined || timeoutMs <= 0 ? {} : { timeoutMs }),
    };
  }

  #siteOf<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
  ): CallSite<I, O> {
    let site = this.#sites.get(method) as CallSite<I, O> | undefined;
    if (site === undefined) {
      const { binaryOptions, jsonOptions, baseUrl } = this.#options;
      const path = `/${method.parent.typeName}/${method.name}`;
      site = {
        path,
        url: baseUrl + path,
        serialization: createMethodSerializationLookup<I, O>(
          method,
          binaryOptions,
          jsonOptions,
          this.#options,
        ),
      };
      this.#sites.set(method, site as unknown as CallSite<DescMessage, DescMessage>);
    }
    return site;
  }
}
