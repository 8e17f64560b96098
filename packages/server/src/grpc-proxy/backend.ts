import {
  CallFailure,
  type Channel,
  type ChannelFactory,
  type Client,
  type ClientEnvironment,
  ClientError,
  createClient,
  RpcClient,
} from '@kvorum/client';
import type { CallInfo, UnaryCall } from '@kvorum/h2';
import { NewestHeader } from './newest-header.ts';

/** Metadata of a call that goes on to the members: who calls, what is asked of them, and of which trace it is part. */
const forwardedNames = ['token', 'authorization', 'hasleader', 'traceparent', 'tracestate'];

/** How long a call may take that says nothing itself, in ms. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** What the way to the members is made of. */
export interface BackendOptions {
  readonly endpoints: readonly string[];
  /** Its channels are shared by all clients that the backend makes. */
  readonly environment: ClientEnvironment;
}

/** How a call ended, as it is told to the caller. */
export interface CallEnd {
  readonly status: number;
  readonly text: string;
}

/** What may be said about a call that is passed on. */
export interface ForwardOptions {
  /** Waits for somebody else, as for a lock: it has the time that its caller has, and ends when that one leaves. */
  readonly isBlocking?: boolean;
  /** As `CallOptions.isRepeatable`. */
  readonly isRepeatable?: boolean;
}

/** The members behind the proxy, over as few connections as there are endpoints. */
export class Backend {
  /** Calls without a token of their own. */
  readonly rpc: RpcClient;
  /** What the members' answers have told of the cluster. */
  readonly header = new NewestHeader();
  readonly #options: BackendOptions;
  readonly #environment: ClientEnvironment;
  readonly #channels = new Map<string, Channel>();
  readonly #clients = new Map<string, Client>();

  /** Throws `ClientError` "configuration" for endpoints that can't be read. */
  constructor(options: BackendOptions) {
    const { environment } = options;
    this.#options = options;
    this.#environment = {
      ...environment,
      channelFactory: this.#shared(environment.channelFactory),
    };
    this.rpc = new RpcClient({ endpoints: options.endpoints }, this.#environment);
  }

  /** Passes a unary call on; the answer belongs to the caller. Rejects with what `endOf` reads. */
  async unary(
    path: string,
    request: Uint8Array,
    call: CallInfo,
    { isBlocking = false, isRepeatable }: ForwardOptions = {},
  ): Promise<Uint8Array> {
    const leftMs = call.remainingMs();
    const timeoutMs = leftMs === undefined ? (isBlocking ? 0 : DEFAULT_TIMEOUT_MS) : leftMs;
    const answer = await this.rpc.unary(path, request, {
      metadata: forwardedMetadata(call),
      // 0 would be for ever.
      timeoutMs: leftMs === undefined ? timeoutMs : Math.max(1, timeoutMs),
      ...(isBlocking ? { signal: signalOf(call as UnaryCall) } : {}),
      ...(isRepeatable === undefined ? {} : { isRepeatable }),
    });
    this.header.note(answer);
    return answer;
  }

  /** A client whose calls bear a token, made when it's wanted first. */
  clientFor(token: string | undefined): Client {
    const name = token ?? '';
    let client = this.#clients.get(name);
    if (client === undefined) {
      const credentials = token === undefined ? {} : { token };
      client = createClient(
        { endpoints: this.rpc.endpoints, timeoutMs: 0, ...credentials },
        this.#environment,
      );
      this.#clients.set(name, client);
    }
    return client;
  }

  /** Nobody needs the client of a token any more. */
  async forget(token: string): Promise<void> {
    const client = this.#clients.get(token);
    this.#clients.delete(token);
    await client?.close();
  }

  /** Goes on with the endpoints that the members advertise. Rejects with `ClientError`. */
  async syncEndpoints(): Promise<void> {
    await this.rpc.syncEndpoints();
    const { endpoints } = this.rpc;
    for (const client of this.#clients.values()) client.rpc.setEndpoints(endpoints);
    for (const [name, channel] of this.#channels) {
      if (endpoints.includes(name)) continue;
      this.#channels.delete(name);
      channel.retire();
    }
  }

  get endpoints(): readonly string[] {
    return this.rpc.endpoints.length > 0 ? this.rpc.endpoints : this.#options.endpoints;
  }

  /** Ends all calls and connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    this.rpc.close();
    for (const channel of this.#channels.values()) channel.close();
  }

  /** One channel for each endpoint, whoever asks for it; only `close` ends it. */
  #shared(factory: ChannelFactory): ChannelFactory {
    return (endpoint) => {
      let channel = this.#channels.get(endpoint.text);
      if (channel === undefined) {
        channel = factory(endpoint);
        this.#channels.set(endpoint.text, channel);
      }
      return new SharedChannel(channel);
    };
  }
}

/** A channel that others use, too. */
class SharedChannel implements Channel {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get endpoint() {
    return this.#channel.endpoint;
  }

  get state() {
    return this.#channel.state;
  }

  unary(...args: Parameters<Channel['unary']>): Promise<Uint8Array> {
    return this.#channel.unary(...args);
  }

  stream(...args: Parameters<Channel['stream']>): ReturnType<Channel['stream']> {
    return this.#channel.stream(...args);
  }

  retire(): void {}

  close(): void {}
}

/** What the caller of a call that failed is told: the member's own word where there is one. */
export function endOf(error: unknown): CallEnd {
  if (!(error instanceof ClientError)) throw error;
  const { cause } = error;
  if (cause instanceof CallFailure && cause.connect === undefined) {
    return { status: cause.status, text: cause.message };
  }
  const reasons = error.failures.map(({ endpoint, message }) => `${endpoint}: ${message}`);
  return { status: error.status, text: [error.message, ...reasons].join('; ') };
}

/** The token of a call; undefined where it bears none. */
export function tokenOf({ metadata }: CallInfo): string | undefined {
  return metadata.get('token') ?? metadata.get('authorization');
}

/** What of a call's metadata goes on to the members. */
export function forwardedMetadata({ metadata }: CallInfo): [string, string][] {
  const fields: [string, string][] = [];
  for (const name of forwardedNames) {
    const value = metadata.get(name);
    if (value !== undefined) fields.push([name, value]);
  }
  return fields;
}

function signalOf(call: UnaryCall): AbortSignal {
  const controller = new AbortController();
  call.onAbort(() => controller.abort());
  return controller.signal;
}
