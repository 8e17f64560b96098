import { grpcStatus } from '@kvorum/api';
import {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelReceiver,
  type ChannelStream,
  ConnectFailure,
} from '../channel.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { ClientError } from '../errors.ts';
import type { Timers } from '../timers.ts';
import { FetchStream } from './fetch-stream.ts';
import {
  type BeginCall,
  RequestPerTurnPlan,
  type RequestPlan,
  WholeRequestPlan,
} from './request-plan.ts';
import { WatchPlan } from './watch-plan.ts';
import { type Fetch, WebCall, type WebCallEnvironment } from './web-call.ts';

/** How a client in a browser reaches its servers. */
export interface FetchOptions {
  /** For endpoints without a scheme: https instead of http. Default false. */
  readonly secure?: boolean;
  /** How long a server may take to give its first sign of life, in ms. Default 5,000. */
  readonly dialTimeoutMs?: number;
  /** The largest answer taken, in bytes. Default 2^31 - 1. */
  readonly maxReceiveBytes?: number;
  /** Default: the global one. To add headers that a proxy wants, for one. */
  readonly fetch?: Fetch;
}

const defaultDialTimeoutMs = 5000;
const largestAnswerBytes = 2 ** 31 - 1;
/** A call that every server answers somehow, and that changes nothing. */
const probePath = '/grpc.health.v1.Health/Check';

/** Who makes requests of the messages of streams that go both ways. */
type PlanClass = new (begin: BeginCall, receiver: ChannelReceiver) => RequestPlan;

const plans: ReadonlyMap<string, PlanClass> = new Map<string, PlanClass>([
  ['/etcdserverpb.Watch/Watch', WatchPlan],
  ['/etcdserverpb.Lease/LeaseKeepAlive', RequestPerTurnPlan],
]);

/**
 * A channel by gRPC-Web over fetch. Before a server gets its first call, and after it could not be reached, it is sent
 * one that changes nothing: fetch does not tell whether a failed request has been acted on, and so a call need not go
 * to a server that is not there.
 */
export class FetchChannel implements Channel {
  readonly endpoint: Endpoint;
  readonly #timers: Timers;
  readonly #base: string;
  readonly #dialTimeoutMs: number;
  readonly #environment: WebCallEnvironment;
  readonly #running = new Set<{ cancel(): void }>();
  #state: 'idle' | 'ready' | 'failing' = 'idle';
  #reaching: Promise<void> | undefined = undefined;

  /** Throws `ClientError` "configuration" for a unix socket. */
  constructor(endpoint: Endpoint, options: FetchOptions, timers: Timers) {
    this.endpoint = endpoint;
    this.#timers = timers;
    this.#base = baseOf(endpoint, options.secure === true);
    this.#dialTimeoutMs = options.dialTimeoutMs ?? defaultDialTimeoutMs;
    this.#environment = {
      // Called by its own name: browsers refuse a fetch that is called as a method of something else.
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      timers,
      maxReceiveBytes: options.maxReceiveBytes ?? largestAnswerBytes,
      reach: () => this.#reach(),
    };
  }

  get state(): 'idle' | 'ready' | 'failing' {
    return this.#state;
  }

  unary(path: string, request: Uint8Array, options: ChannelCallOptions): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    let answer: Uint8Array | undefined;
    const missing = new CallFailure(grpcStatus.internal, 'the answer holds no message', false);
    const call = this.#begin(path, options, [request], {
      onMessage: (message) => {
        answer = message;
      },
      onEnd: (failure) => {
        this.#running.delete(call);
        if (failure === undefined && answer !== undefined) resolve(answer);
        else reject(failure ?? missing);
      },
    });
    this.#running.add(call);
    return promise;
  }

  stream(path: string, receiver: ChannelReceiver, options: ChannelCallOptions): ChannelStream {
    const Plan = plans.get(path) ?? WholeRequestPlan;
    const { timeoutMs, signal, metadata } = options;
    const deadline = this.#timers.now() + (timeoutMs ?? 0);
    const begin: BeginCall = (messages, calls) => {
      const leftMs = Math.max(1, deadline - this.#timers.now());
      const forCall = { metadata, timeoutMs: timeoutMs && leftMs, signal: undefined };
      return this.#begin(path, forCall, messages, calls);
    };
    const stream = new FetchStream({
      plan: (calls) => new Plan(begin, calls),
      receiver: {
        onMessage: (message) => receiver.onMessage(message),
        onEnd: (failure) => {
          this.#running.delete(stream);
          receiver.onEnd(failure);
        },
      },
      timers: this.#timers,
      timeoutMs,
      signal,
    });
    this.#running.add(stream);
    return stream;
  }

  /** There is nothing to close but calls. */
  retire(): void {}

  close(): void {
    for (const one of [...this.#running]) one.cancel();
  }

  #begin(
    path: string,
    options: ChannelCallOptions,
    messages: readonly Uint8Array[],
    receiver: ChannelReceiver,
  ): WebCall {
    let isReached = false;
    const request = { ...options, url: this.#base + path, messages };
    return new WebCall(this.#environment, request, {
      onReached: () => {
        isReached = true;
      },
      onMessage: (message) => receiver.onMessage(message),
      onEnd: (failure) => {
        if (failure?.connect !== undefined) this.#state = 'failing';
        // Nothing came in time: perhaps nobody is there any more. The next call will see.
        const isSilent = failure?.status === grpcStatus.deadlineExceeded && !isReached;
        if (isSilent && this.#state === 'ready') this.#state = 'idle';
        receiver.onEnd(failure);
      },
    });
  }

  /** Resolves when the server has given a sign of life, at once when it lately has. Rejects with `CallFailure`. */
  async #reach(): Promise<void> {
    if (this.#state === 'ready') return;
    this.#reaching ??= this.#probe().finally(() => {
      this.#reaching = undefined;
    });
    await this.#reaching;
  }

  #probe(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const environment = { ...this.#environment, reach: () => Promise.resolve() };
    const request = {
      url: this.#base + probePath,
      messages: [new Uint8Array(0)],
      metadata: [],
      timeoutMs: this.#dialTimeoutMs,
      signal: undefined,
    };
    const call = new WebCall(environment, request, {
      onReached: () => {
        this.#state = 'ready';
        resolve();
      },
      onMessage: () => {},
      onEnd: (failure) => {
        this.#running.delete(call);
        if (this.#state !== 'ready') this.#state = 'failing';
        reject(unreached(failure, this.#dialTimeoutMs));
      },
    });
    this.#running.add(call);
    return promise;
  }
}

/** Nothing was sent but the probe. */
function unreached(failure: CallFailure | undefined, dialTimeoutMs: number): CallFailure {
  if (failure?.status === grpcStatus.canceled) {
    return new CallFailure(failure.status, failure.message, true);
  }
  const text = `no sign of life within ${dialTimeoutMs} ms`;
  const connect = failure?.connect ?? new ConnectFailure('connect', text);
  return new CallFailure(grpcStatus.unavailable, connect.message, true, connect);
}

/** Where the paths of calls begin. What stands behind the host is kept: there may be a proxy. */
function baseOf({ text, address, security }: Endpoint, secure: boolean): string {
  if (address.kind === 'unix') {
    const message = `"${text}" is of no use in a browser: expected http://host:port or https://host:port`;
    throw new ClientError({ code: 'configuration', message });
  }
  const trimmed = text.trim().replace(/\/+$/, '');
  if (security !== 'by-options') return trimmed;
  const host = trimmed.startsWith(':') ? `localhost${trimmed}` : trimmed;
  return `${secure ? 'https' : 'http'}://${host}`;
}
