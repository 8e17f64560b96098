import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
  etcdErrors,
  grpcStatus,
  RangeResponseSchema,
} from '@kvorum/api';
import { CallFailure, type Channel, type ChannelCallOptions, ConnectFailure } from '../channel.ts';
import type { ClientEnvironment } from '../client.ts';
import type { Endpoint } from '../endpoint.ts';

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
  /** Tokens that calls bore, in order. */
  readonly seenTokens: (string | undefined)[] = [];
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
      stream: () => {
        throw new Error('members in memory have no streams');
      },
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
