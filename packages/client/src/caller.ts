import { errorFromStatus, grpcStatus } from '@kvorum/api';
import { Attempts, type CallLimits } from './attempts.ts';
import type { Balancer } from './balancer.ts';
import type { CallOptions } from './call-options.ts';
import { CallFailure, type Channel, type ChannelCallOptions } from './channel.ts';
import { ClientError } from './errors.ts';
import { repeatableMethods } from './repeatable.ts';
import { pause, type Timers } from './timers.ts';

/** Wait after all endpoints have failed, in ms: the first one, and the longest. */
const firstPauseMs = 50;
const longestPauseMs = 1000;

/** Where a caller gets the token that its calls bear. */
export interface TokenSource {
  /** The token of now, undefined where none is needed. Rejects with `ClientError`. */
  token(): Promise<string | undefined>;
  /** The server has refused this one. */
  reject(token: string): void;
}

/** What the calls of a client have in common. */
export interface CallerOptions {
  readonly balancer: Balancer;
  readonly timers: Timers;
  /** For unary calls that say nothing else, in ms. 0: for ever. */
  readonly timeoutMs: number;
  /** Undefined: calls bear no token. */
  readonly tokens: TokenSource | undefined;
}

/**
 * Makes calls by whichever endpoint answers. A call that an endpoint has certainly not acted on goes to the next
 * one, and so does a repeatable one that found the endpoint unavailable; round after round until its time is over.
 */
export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** How many endpoints take turns. */
  get endpointCount(): number {
    return this.#options.balancer.endpoints.length;
  }

  /** Rejects with `ClientError`. */
  async unary(path: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    const { balancer, timers, tokens } = this.#options;
    const limits = this.#limits(options, this.#options.timeoutMs);
    const isRepeatable = repeatableMethods.has(path);
    const attempts = new Attempts();
    let hadNewToken = false;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      for (const channel of balancer.next()) {
        const token = await tokens?.token();
        try {
          return await channel.unary(path, request, this.#forChannel(options, token, limits));
        } catch (error) {
          if (!(error instanceof CallFailure)) throw error;
          attempts.note(channel, error);
          if (this.#isOver(error, limits)) throw attempts.ended(limits, isRepeatable);
          const isRefused = token !== undefined && isRefusedToken(error);
          if (isRefused) tokens?.reject(token);
          if (isRefused && !hadNewToken) hadNewToken = true;
          else if (!mayGoOn(error, isRepeatable)) {
            throw attempts.answered(channel, error, isRepeatable);
          }
        }
      }
      const waitMs = Math.max(0, Math.min(pauseMs, this.#remainingMs(limits)));
      await pause(timers, waitMs, limits.signal);
      if (this.#isOver(undefined, limits)) throw attempts.ended(limits, isRepeatable);
    }
  }

  /** Where a stream may be opened now, and with what. Rejects with `ClientError`. */
  async place(options: CallOptions): Promise<readonly [Channel, ChannelCallOptions]> {
    const limits = this.#limits(options, 0);
    const token = await this.#options.tokens?.token();
    const [channel] = this.#options.balancer.next();
    if (channel === undefined) throw new ClientError({ code: 'closed', message: 'no endpoints' });
    return [channel, this.#forChannel(options, token, limits)];
  }

  /** Has the token that calls need. Rejects with `ClientError`. */
  async authenticate(): Promise<void> {
    await this.#options.tokens?.token();
  }

  #limits({ timeoutMs, signal }: CallOptions, defaultMs: number): CallLimits {
    const givenMs = timeoutMs ?? defaultMs;
    const deadline =
      givenMs === 0 ? Number.POSITIVE_INFINITY : this.#options.timers.now() + givenMs;
    return { timeoutMs: givenMs, deadline, signal };
  }

  #remainingMs(limits: CallLimits): number {
    return limits.deadline - this.#options.timers.now();
  }

  #isOver(failure: CallFailure | undefined, limits: CallLimits): boolean {
    if (limits.signal?.aborted === true || this.#remainingMs(limits) <= 0) return true;
    // The channel's clock may say so a moment before ours.
    return failure?.status === grpcStatus.deadlineExceeded && Number.isFinite(limits.deadline);
  }

  #forChannel(
    { requireLeader }: CallOptions,
    token: string | undefined,
    limits: CallLimits,
  ): ChannelCallOptions {
    const metadata: [string, string][] = [];
    if (token !== undefined) metadata.push(['token', token]);
    if (requireLeader === true) metadata.push(['hasleader', 'true']);
    const remainingMs = this.#remainingMs(limits);
    const timeoutMs = Number.isFinite(remainingMs) ? Math.max(1, remainingMs) : undefined;
    return { metadata, timeoutMs, signal: limits.signal };
  }
}

/** Whether the next endpoint may be asked after this failure. */
function mayGoOn(failure: CallFailure, isRepeatable: boolean): boolean {
  const { status } = errorFromStatus(failure.status, failure.message);
  return status === grpcStatus.unavailable && (failure.isUnprocessed || isRepeatable);
}

function isRefusedToken(failure: CallFailure): boolean {
  const { code } = errorFromStatus(failure.status, failure.message);
  return code === 'invalidAuthToken' || code === 'authOldRevision';
}
