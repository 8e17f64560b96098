import { errorFromStatus, grpcStatus } from '@kvorum/api';
import { Attempts } from './attempts.ts';
import { Backoff } from './backoff.ts';
import type { CallLimits } from './call-limits.ts';
import type { CallOptions } from './call-options.ts';
import type { Caller, CallerOptions } from './caller.ts';
import { CallFailure, type Channel, type ChannelCallOptions } from './channel.ts';
import type { OrderedCall } from './endpoints/revision-order.ts';
import { hedgedMethod, repeatableMethods } from './repeatable.ts';
import type { SlowAttempts, Waiting } from './slow-attempts.ts';
import { pause, settledWithin } from './timers.ts';

/** What is called. */
export interface UnaryRequest {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly options: CallOptions;
  readonly limits: CallLimits;
}

/** What came of asking: an answer, or that another token may help. */
type Round = Uint8Array | 'again';

/** How long a connection on which an attempt is slow may take to give a sign of life, in ms. */
const probeTimeoutMs = 5000;

/** One call to one endpoint. */
interface Attempt {
  readonly channel: Channel;
  readonly sent: ChannelCallOptions;
}

/** What became of an attempt; `error` is what its channel rejected with, if there is no answer. */
interface Outcome extends Attempt {
  readonly answer: Uint8Array | undefined;
  readonly error: unknown;
}

/** The first one of a round, still under way. */
interface SlowAttempt {
  readonly attempt: Attempt;
  readonly pending: Promise<Uint8Array>;
}

/**
 * One unary call with all its attempts, until one is answered or its time is over. Nearly always the first one is: what
 * others need is made when it is needed.
 */
export class UnaryCall implements Waiting {
  /** Of the first attempt of a round. */
  beganMs = 0;
  before: Waiting = this;
  after: Waiting = this;
  readonly #caller: Caller;
  readonly #shared: CallerOptions;
  readonly #slow: SlowAttempts;
  readonly #call: UnaryRequest;
  readonly #isRepeatable: boolean;
  readonly #ordered: OrderedCall | undefined;
  #attempts: Attempts | undefined = undefined;
  #hadNewToken = false;
  #channel: Channel | undefined = undefined;
  #goOn: ((answer: undefined) => void) | undefined = undefined;

  constructor(caller: Caller, shared: CallerOptions, slow: SlowAttempts, call: UnaryRequest) {
    this.#caller = caller;
    this.#shared = shared;
    this.#slow = slow;
    this.#call = call;
    this.#isRepeatable = call.options.isRepeatable ?? repeatableMethods.has(call.path);
    this.#ordered = shared.order?.begin(call.path, call.bytes);
  }

  /** Rejects with `ClientError`. */
  async run(): Promise<Uint8Array> {
    const { balancer, hints } = this.#shared;
    const { path, bytes, limits } = this.#call;
    let backoff: Backoff | undefined;
    for (;;) {
      const preparing = balancer.prepare();
      if (preparing !== undefined) await this.#caller.prepare(preparing, limits, this.#tried);
      const channels = balancer.next(hints?.leaderFor(path, bytes), !this.#isRepeatable);
      const round = await this.#round(channels);
      if (round === 'again') continue;
      if (round !== undefined) return round;
      backoff ??= new Backoff(this.#shared.timers);
      await this.#pause(backoff);
    }
  }

  onSlow(): void {
    this.#channel?.probe?.(probeTimeoutMs);
    this.#goOn?.(undefined);
  }

  /** Asks the first endpoint, and the others if that is of no use. Undefined: nor are they. */
  async #round(channels: readonly Channel[]): Promise<Round | undefined> {
    const [channel] = channels;
    if (channel === undefined) return undefined;
    const { path, bytes, options, limits } = this.#call;
    const { tokens } = this.#shared;
    const token = tokens === undefined ? undefined : await tokens.token();
    const sent = this.#caller.forChannel(options, token, limits);
    options.onAttempt?.(channel.endpoint.text);
    const pending = channel.unary(path, bytes, sent);
    const isHedged = channels.length > 1 && this.#isHedged;
    let slow: SlowAttempt | undefined;
    try {
      const answer = await this.#answer(channel, pending, isHedged);
      const round = answer === undefined ? undefined : this.#onAnswer(channel, answer);
      if (round !== undefined) return round;
      if (answer === undefined) slow = { attempt: { channel, sent }, pending };
    } catch (error) {
      const round = this.#onFailure({ channel, sent }, error, []);
      if (round !== undefined) return round;
    }
    return channels.length > 1 ? await this.#others(channels, slow) : undefined;
  }

  get #isHedged(): boolean {
    return this.#shared.hedgeAfterMs > 0 && this.#call.path === hedgedMethod;
  }

  /** Of the first attempt; undefined when it has not come for long and another endpoint may be asked besides. */
  #answer(
    channel: Channel,
    pending: Promise<Uint8Array>,
    isHedged: boolean,
  ): Promise<Uint8Array | undefined> {
    this.#channel = channel;
    this.#slow.begin(this);
    return new Promise((resolve, reject) => {
      this.#goOn = isHedged ? resolve : undefined;
      pending.then(
        (answer) => {
          this.#slow.end(this);
          resolve(answer);
        },
        (error) => {
          this.#slow.end(this);
          reject(error);
        },
      );
    });
  }

  /** Asks one endpoint after the other; and the next one beside those that are slow, if that changes nothing. */
  async #others(
    channels: readonly Channel[],
    slow: SlowAttempt | undefined,
  ): Promise<Round | undefined> {
    const { path, bytes, options, limits } = this.#call;
    const { timers, tokens, hedgeAfterMs } = this.#shared;
    const running = new Map<Channel, Promise<Outcome>>();
    if (slow !== undefined)
      running.set(slow.attempt.channel, outcomeOf(slow.attempt, slow.pending));
    const silent = new Set(running.keys());
    const over = new AbortController();
    let round: Round | undefined;
    try {
      for (let at = 1; round === undefined && (at < channels.length || running.size > 0); at++) {
        const channel = channels[at];
        if (channel !== undefined) {
          const sent = this.#caller.forChannel(options, await tokens?.token(), limits, over.signal);
          options.onAttempt?.(channel.endpoint.text);
          running.set(channel, outcomeOf({ channel, sent }, channel.unary(path, bytes, sent)));
        }
        let outcome: Outcome | undefined;
        const first = Promise.race(running.values()).then((one) => {
          outcome = one;
        });
        const mayGoOn = this.#isHedged && at + 1 < channels.length;
        await (mayGoOn ? settledWithin(timers, first, hedgeAfterMs) : first);
        if (outcome !== undefined) {
          running.delete(outcome.channel);
          silent.delete(outcome.channel);
          round = this.#onOutcome(outcome, [...running.keys()]);
        } else if (channel !== undefined) {
          channel.probe?.(probeTimeoutMs);
          silent.add(channel);
        }
      }
      return round;
    } finally {
      over.abort();
      if (round !== undefined) for (const channel of silent) this.#caller.noteSilence(channel);
      for (const late of running.values()) void late.then((outcome) => this.#onLate(outcome));
    }
  }

  /** An answer that came after another endpoint's. */
  #onLate({ channel, answer }: Outcome): void {
    if (answer !== undefined) this.#caller.noteAnswer(channel, answer);
  }

  /** Until the next round. Rejects when the call's time is over by then. */
  async #pause(backoff: Backoff): Promise<void> {
    const { balancer, timers } = this.#shared;
    const { limits } = this.#call;
    balancer.allFailed();
    const waitMs = Math.max(0, Math.min(backoff.next(), limits.remainingMs));
    await pause(timers, waitMs, limits.signal);
    if (limits.isOver()) throw this.#tried.ended(limits, this.#isRepeatable);
  }

  get #tried(): Attempts {
    this.#attempts ??= new Attempts();
    return this.#attempts;
  }

  #onOutcome(outcome: Outcome, running: readonly Channel[]): Round | undefined {
    if (outcome.answer !== undefined) return this.#onAnswer(outcome.channel, outcome.answer);
    return this.#onFailure(outcome, outcome.error, running);
  }

  /** Undefined: it cannot be taken, and another endpoint may be asked. */
  #onAnswer(channel: Channel, answer: Uint8Array): Round | undefined {
    this.#caller.noteAnswer(channel, answer);
    const ordered = this.#ordered;
    if (ordered === undefined || this.#shared.order?.isBehind(ordered, answer) !== true)
      return answer;
    if (!this.#isRepeatable) return answer;
    this.#tried.noteBehind(channel, ordered.seen);
    return undefined;
  }

  /** Undefined: another endpoint may be asked. Throws `ClientError` where that cannot help. */
  #onFailure(
    { channel, sent }: Attempt,
    error: unknown,
    running: readonly Channel[],
  ): Round | undefined {
    if (!(error instanceof CallFailure)) throw error;
    const { order, balancer } = this.#shared;
    const { limits } = this.#call;
    if (this.#ordered !== undefined && order?.isRefusedAsFuture(this.#ordered, error) === true) {
      this.#tried.noteBehind(channel, this.#ordered.seen);
      return undefined;
    }
    this.#tried.note(channel, error);
    this.#caller.noteFailure(channel, error);
    if (limits.isOver(error)) {
      for (const other of running) this.#tried.noteSlow(other);
      throw this.#tried.ended(limits, this.#isRepeatable);
    }
    const isRefused = this.#caller.maybeRefuseToken(error, sent);
    if (isRefused && !this.#hadNewToken) {
      this.#hadNewToken = true;
      return 'again';
    }
    // Its endpoint is no longer wanted, and so the channel was closed before the call came to it.
    const isGone = !balancer.channels.includes(channel);
    const wasRetired = isGone && error.isUnprocessed && error.status === grpcStatus.canceled;
    if (mayGoOn(error, this.#isRepeatable) || wasRetired) return undefined;
    throw this.#tried.answered(channel, error, this.#isRepeatable);
  }
}

/** Whether the next endpoint may be asked after this failure. */
function mayGoOn(failure: CallFailure, isRepeatable: boolean): boolean {
  const { status } = errorFromStatus(failure.status, failure.message);
  return status === grpcStatus.unavailable && (failure.isUnprocessed || isRepeatable);
}

function outcomeOf(attempt: Attempt, answer: Promise<Uint8Array>): Promise<Outcome> {
  return answer.then(
    (bytes) => ({ ...attempt, answer: bytes, error: undefined }),
    (error) => ({ ...attempt, answer: undefined, error }),
  );
}
