import type { ChannelReceiver } from '../channel.ts';
import type { RunningCall } from './web-call.ts';

/** Begins a call with these messages, and no more. */
export type BeginCall = (messages: readonly Uint8Array[], receiver: ChannelReceiver) => RunningCall;

/**
 * How the messages of a streaming call become requests. A request of fetch is sent whole before its response is
 * looked at, so a call in which both sides go on talking is made of several. After `stop` nothing is told any more.
 */
export interface RequestPlan {
  send(message: Uint8Array): void;
  halfClose(): void;
  /** Ends all requests. */
  stop(): void;
  pause(): void;
  resume(): void;
}

/** One request, once all of its messages are there: for calls that only the server streams. */
export class WholeRequestPlan implements RequestPlan {
  readonly #begin: BeginCall;
  readonly #receiver: ChannelReceiver;
  readonly #messages: Uint8Array[] = [];
  #call: RunningCall | undefined = undefined;
  #isPaused = false;

  constructor(begin: BeginCall, receiver: ChannelReceiver) {
    this.#begin = begin;
    this.#receiver = receiver;
  }

  send(message: Uint8Array): void {
    this.#messages.push(message);
  }

  halfClose(): void {
    if (this.#call !== undefined) return;
    this.#call = this.#begin(this.#messages, this.#receiver);
    if (this.#isPaused) this.#call.pause();
  }

  stop(): void {
    this.#call?.cancel();
  }

  pause(): void {
    this.#isPaused = true;
    this.#call?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#call?.resume();
  }
}

/**
 * One request for what is sent in one turn: for messages that each ask for an answer of their own, such as those that
 * keep leases alive. Answers of different turns may overtake each other.
 */
export class RequestPerTurnPlan implements RequestPlan {
  readonly #begin: BeginCall;
  readonly #receiver: ChannelReceiver;
  readonly #calls = new Set<RunningCall>();
  #waiting: Uint8Array[] = [];
  #isHalfClosed = false;
  #isPaused = false;
  #isStopped = false;

  constructor(begin: BeginCall, receiver: ChannelReceiver) {
    this.#begin = begin;
    this.#receiver = receiver;
  }

  send(message: Uint8Array): void {
    if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
    this.#waiting.push(message);
  }

  halfClose(): void {
    this.#isHalfClosed = true;
    this.#maybeEnd();
  }

  stop(): void {
    this.#isStopped = true;
    for (const call of this.#calls) call.cancel();
  }

  pause(): void {
    this.#isPaused = true;
    for (const call of this.#calls) call.pause();
  }

  resume(): void {
    this.#isPaused = false;
    for (const call of this.#calls) call.resume();
  }

  #flush(): void {
    if (this.#isStopped) return;
    const messages = this.#waiting;
    this.#waiting = [];
    const call = this.#begin(messages, {
      onMessage: (message) => this.#receiver.onMessage(message),
      onEnd: (failure) => {
        this.#calls.delete(call);
        if (failure !== undefined) this.#receiver.onEnd(failure);
        else this.#maybeEnd();
      },
    });
    this.#calls.add(call);
    if (this.#isPaused) call.pause();
  }

  #maybeEnd(): void {
    const isIdle = this.#calls.size === 0 && this.#waiting.length === 0;
    if (isIdle && this.#isHalfClosed) this.#receiver.onEnd(undefined);
  }
}
