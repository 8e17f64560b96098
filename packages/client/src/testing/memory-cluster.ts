import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
  etcdErrors,
  grpcStatus,
  RangeResponseSchema,
} from '@kvorum/api';
import {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelReceiver,
  ConnectFailure,
} from '../channel.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { ClientEnvironment } from '../rpc-client.ts';
import { MemoryStream } from './memory-stream.ts';

/** How a member in memory answers. */
export type Mood =
  | 'well'
  /** Cannot be connected to. */
  | 'down'
  /** Answers that it is unavailable, after it may have acted. */
  | 'unavailable'
  /** Takes calls and never answers them. */
  | 'silent';

/** Members in memory, by endpoint, that count what they are asked; and a clock that stands still until it is told. */
export class MemoryCluster {
  readonly moods = new Map<string, Mood>();
  /** Calls that reached a member, as `endpoint path`. */
  readonly log: string[] = [];
  /** Endpoints whose connections were asked for a sign of life, in order. */
  readonly probes: string[] = [];
  /** Tokens that calls bore, in order. */
  readonly seenTokens: (string | undefined)[] = [];
  /** Streams that reached a member, in order. */
  readonly streams: MemoryStream[] = [];
  /** Answers a unary call in a member's place; undefined: the member does. */
  handle:
    | ((path: string, request: Uint8Array, endpoint: string) => Uint8Array | undefined)
    | undefined = undefined;
  /** Told of each message that comes on a stream. */
  onRequest: (stream: MemoryStream, message: Uint8Array) => void = () => {};
  /** The only token that is taken; undefined: none is looked at. */
  validToken: string | undefined = undefined;
  #given = 0;
  #nowMs = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  readonly environment: ClientEnvironment = {
    channelFactory: (endpoint) => this.#channel(endpoint),
    timers: {
      now: () => this.#nowMs,
      after: (delayMs, callback) => {
        const timer = { at: this.#nowMs + delayMs, callback };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
        };
      },
    },
  };

  /** Lets time pass up to the next timer, and calls it; does nothing when there is none. */
  tick(): void {
    const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
    if (next === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, next.at);
    this.#timers = this.#timers.filter((timer) => timer !== next);
    next.callback();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets so much time pass, timer by timer; what follows from each is done before the next. */
  async pass(delayMs: number): Promise<void> {
    const until = this.#nowMs + delayMs;
    await settled();
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.tick();
      await settled();
    }
    this.#nowMs = until;
  }

  /** Lets time pass without a timer being called, as when the process is held still. */
  holdStill(delayMs: number): void {
    this.#nowMs += delayMs;
  }

  /** The stream that was opened last. */
  get lastStream(): MemoryStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }

  /** Ticks whenever nothing else happens, until the promise is settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = () => {
      isSettled = true;
    };
    promise.then(mark, mark);
    while (!isSettled) {
      await new Promise((resolve) => setImmediate(resolve));
      this.tick();
    }
    return await promise;
  }

  #channel(endpoint: Endpoint): Channel {
    const mood = () => this.moods.get(endpoint.text) ?? 'well';
    return {
      endpoint,
      get state() {
        return mood() === 'down' ? 'failing' : 'ready';
      },
      unary: (path, request, options) =>
        this.#answer(endpoint.text, mood(), path, request, options),
      stream: (path, receiver, options) =>
        this.#stream(endpoint.text, mood(), path, receiver, options),
      probe: () => this.probes.push(endpoint.text),
      retire: () => this.log.push(`${endpoint.text} retired`),
      close: () => {},
    };
  }

  async #answer(
    endpoint: string,
    mood: Mood,
    path: string,
    request: Uint8Array,
    options: ChannelCallOptions,
  ): Promise<Uint8Array> {
    if (mood === 'down') {
      const connect = new ConnectFailure('connect', 'nobody listens');
      throw new CallFailure(grpcStatus.unavailable, 'cannot connect', true, connect);
    }
    this.log.push(`${endpoint} ${path}`);
    if (mood === 'silent') return await this.#silence(options);
    const handled = mood === 'well' ? this.handle?.(path, request, endpoint) : undefined;
    if (handled !== undefined) return handled;
    if (mood === 'unavailable') {
      throw new CallFailure(grpcStatus.unavailable, etcdErrors.noLeader.text, false);
    }
    if (path.endsWith('/Authenticate')) return this.#authenticate(request);
    const token = [...options.metadata].find(([name]) => name === 'token')?.[1];
    this.seenTokens.push(token);
    if (this.validToken !== undefined && token !== this.validToken) {
      const { status, text } = etcdErrors.invalidAuthToken;
      throw new CallFailure(status, text, false);
    }
    return toBinary(RangeResponseSchema, create(RangeResponseSchema));
  }

  #stream(
    endpoint: string,
    mood: Mood,
    path: string,
    receiver: ChannelReceiver,
    options: ChannelCallOptions,
  ) {
    const stream = new MemoryStream(endpoint, path, receiver, options, (from, message) => {
      if (mood !== 'down') this.onRequest(from, message);
    });
    if (mood === 'down') {
      const connect = new ConnectFailure('connect', 'nobody listens');
      const failure = new CallFailure(grpcStatus.unavailable, 'cannot connect', true, connect);
      queueMicrotask(() => stream.end(failure));
    } else {
      this.log.push(`${endpoint} ${path}`);
      this.streams.push(stream);
    }
    return stream.handle;
  }

  #authenticate(request: Uint8Array): Uint8Array {
    const { password } = fromBinary(AuthenticateRequestSchema, request);
    if (password !== 'right') {
      throw new CallFailure(etcdErrors.authFailed.status, etcdErrors.authFailed.text, false);
    }
    this.#given += 1;
    this.validToken = `token-${this.#given}`;
    const response = create(AuthenticateResponseSchema, { token: this.validToken });
    return toBinary(AuthenticateResponseSchema, response);
  }

  #silence({ timeoutMs, signal }: ChannelCallOptions): Promise<Uint8Array> {
    return new Promise((_resolve, reject) => {
      const end = (status: number) => () => reject(new CallFailure(status, 'gone', false));
      if (signal?.aborted === true) end(grpcStatus.canceled)();
      signal?.addEventListener('abort', end(grpcStatus.canceled));
      if (timeoutMs !== undefined) {
        this.environment.timers.after(timeoutMs, end(grpcStatus.deadlineExceeded));
      }
    });
  }
}

/** When all that is under way without time passing has been done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
