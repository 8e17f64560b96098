import { errorFromStatus, grpcStatus } from '@kvorum/api';
import type { Attempts } from './attempts.ts';
import { CallLimits } from './call-limits.ts';
import type { CallOptions } from './call-options.ts';
import type { CallFailure, Channel, ChannelCallOptions } from './channel.ts';
import type { Balancer } from './endpoints/balancer.ts';
import type { LeaderHints } from './endpoints/leader-hints.ts';
import type { RevisionOrder } from './endpoints/revision-order.ts';
import { ClientError } from './errors.ts';
import { SlowAttempts } from './slow-attempts.ts';
import { settledWithin, type Timers } from './timers.ts';
import { UnaryCall } from './unary-call.ts';

/** The metadata that bears a token. */
const tokenField = 'token';

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
  /** Time without an answer after which a read is sent to another endpoint besides, in ms. 0: never. */
  readonly hedgeAfterMs: number;
  /** Undefined: calls bear no token. */
  readonly tokens: TokenSource | undefined;
  /** Undefined: the leader is not preferred. */
  readonly hints?: LeaderHints | undefined;
  /** Undefined: answers are taken as they are, though an earlier one was of a later revision. */
  readonly order?: RevisionOrder | undefined;
}

/**
 * Makes calls by whichever endpoint answers. A call that an endpoint has certainly not acted on goes to the next
 * one, and so does a repeatable one that found the endpoint unavailable; round after round until its time is over.
 */
export class Caller {
  readonly #options: CallerOptions;
  readonly #slow: SlowAttempts;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#slow = new SlowAttempts(options.timers, options.hedgeAfterMs);
  }

  /** How many endpoints take turns. */
  get endpointCount(): number {
    return this.#options.balancer.endpoints.length;
  }

  /** Rejects with `ClientError`. */
  unary(path: string, bytes: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    const { timers, timeoutMs } = this.#options;
    const limits = new CallLimits(timers, options, timeoutMs);
    const call = { path, bytes, options, limits };
    return new UnaryCall(this, this.#options, this.#slow, call).run();
  }

  /** Where a stream may be opened now, and with what. Rejects with `ClientError`. */
  async place(path: string, options: CallOptions): Promise<readonly [Channel, ChannelCallOptions]> {
    const { balancer, tokens, hints } = this.#options;
    const limits = new CallLimits(this.#options.timers, options, 0);
    await balancer.prepare();
    const token = await tokens?.token();
    const [channel] = balancer.next(hints?.leaderFor(path, undefined));
    if (channel === undefined) throw new ClientError({ code: 'closed', message: 'no endpoints' });
    options.onAttempt?.(channel.endpoint.text);
    return [channel, this.forChannel(options, token, limits)];
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /** Has the token that calls bear now replaced before the next one. */
  renewToken(): void {
    const { tokens } = this.#options;
    tokens?.token().then(
      (token) => {
        if (token !== undefined) tokens.reject(token);
      },
      // The next call will meet it as well.
      () => {},
    );
  }

  /** Whether the call failed because of its token, which the next call will not bear. */
  maybeRefuseToken(failure: CallFailure, { metadata }: ChannelCallOptions): boolean {
    const token = [...metadata].find(([name]) => name === tokenField)?.[1];
    if (token === undefined || !isRefusedToken(failure)) return false;
    this.#options.tokens?.reject(token);
    return true;
  }

  /** Takes note of an endpoint that has answered; `answer` undefined: with a failure, or on a stream. */
  noteAnswer(channel: Channel, answer?: Uint8Array): void {
    this.#options.balancer.worked(channel);
    if (answer !== undefined) this.#options.hints?.answered(channel, answer);
  }

  /** Takes note of what an endpoint did not do. */
  noteFailure(channel: Channel, failure: CallFailure): void {
    const { balancer, hints } = this.#options;
    const { status } = errorFromStatus(failure.status, failure.message);
    if (status === grpcStatus.unavailable || status === grpcStatus.deadlineExceeded) {
      balancer.failed(channel);
      hints?.failed(channel);
    } else if (status !== grpcStatus.canceled) {
      balancer.worked(channel);
    }
  }

  /** The endpoint has left a call without an answer that another one has answered. */
  noteSilence(channel: Channel): void {
    this.#options.balancer.silent(channel);
    this.#options.hints?.failed(channel);
  }

  /** Has the token that calls need. Rejects with `ClientError`. */
  async authenticate(): Promise<void> {
    await this.#options.tokens?.token();
  }

  /** Waits until endpoints were looked up; what comes of it is one more attempt. */
  async prepare(preparing: Promise<void>, limits: CallLimits, attempts: Attempts): Promise<void> {
    try {
      const { timers } = this.#options;
      await settledWithin(timers, preparing, limits.remainingMs, limits.signal);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      attempts.noteFailures(error.failures);
    }
  }

  /** What a channel is told of one attempt; `over` calls it off, as the call's own signal does. */
  forChannel(
    { requireLeader, metadata: added = [] }: CallOptions,
    token: string | undefined,
    limits: CallLimits,
    over?: AbortSignal,
  ): ChannelCallOptions {
    const metadata = [...added];
    if (token !== undefined) metadata.push([tokenField, token]);
    if (requireLeader === true) metadata.push(['hasleader', 'true']);
    const { channelTimeoutMs: timeoutMs, signal: given = over } = limits;
    const signal =
      over === undefined || given === undefined ? given : AbortSignal.any([given, over]);
    return { metadata, timeoutMs, signal };
  }
}

function isRefusedToken(failure: CallFailure): boolean {
  const { code } = errorFromStatus(failure.status, failure.message);
  return code === 'invalidAuthToken' || code === 'authOldRevision';
}
