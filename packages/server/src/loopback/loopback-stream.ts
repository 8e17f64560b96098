import {
  CallFailure,
  type ChannelCallOptions,
  type ChannelReceiver,
  type ChannelStream,
} from '@kvorum/client';
import type { AbortReason, Message, StreamCall, StreamMethod, StreamReceiver } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import { joined, LoopbackCall, type OuterCall } from './loopback-call.ts';

/** Messages that may wait for a caller that pauses before the method is asked to wait. */
const HIGH_WATER_MESSAGES = 16;

/** A streaming call of a member to itself: this is the method's end of it. */
export class LoopbackStream extends LoopbackCall implements StreamCall {
  readonly callersEnd: ChannelStream;
  readonly #caller: ChannelReceiver;
  #method: StreamReceiver | undefined;
  readonly #questions: Uint8Array[] = [];
  readonly #answers: Uint8Array[] = [];
  #isHalfClosed = false;
  #isMethodPaused = false;
  #isCallerPaused = false;
  #needsDrain = false;
  /** How the method ended it; told once the caller has read what came before. */
  #ending: { readonly failure: CallFailure | undefined } | undefined;

  constructor(
    path: string,
    options: ChannelCallOptions,
    outer: OuterCall,
    clock: Clock,
    caller: ChannelReceiver,
  ) {
    super(path, options, outer, clock);
    this.#caller = caller;
    this.callersEnd = {
      send: (message) => {
        this.#questions.push(message);
        this.#ask();
      },
      halfClose: () => {
        this.#isHalfClosed = true;
        this.#ask();
      },
      cancel: () => this.cancel(),
      pause: () => {
        this.#isCallerPaused = true;
      },
      resume: () => {
        this.#isCallerPaused = false;
        this.#answer();
      },
    };
  }

  /** Called once, when the caller has its end. */
  begin(method: StreamMethod): void {
    if (this.isRefused) this.cancel();
    if (this.aborted) return;
    this.#method = method.open(this);
    this.#ask();
  }

  send(message: Message): boolean {
    if (this.#isEnding) return true;
    // A copy: what an answer is made of may be shared with others.
    this.#answers.push(Uint8Array.from(joined(message)));
    this.#answer();
    this.#needsDrain = this.#answers.length >= HIGH_WATER_MESSAGES;
    return !this.#needsDrain;
  }

  end(status = 0, text = ''): void {
    if (this.#isEnding) return;
    this.#ending = { failure: status === 0 ? undefined : new CallFailure(status, text, false) };
    this.#answer();
  }

  pause(): void {
    this.#isMethodPaused = true;
  }

  resume(): void {
    this.#isMethodPaused = false;
    this.#ask();
  }

  protected override onAborted(reason: AbortReason, failure: CallFailure): void {
    this.#questions.length = 0;
    this.#answers.length = 0;
    this.#caller.onEnd(failure);
    if (this.#ending === undefined) this.#method?.onAbort(reason);
  }

  get #isEnding(): boolean {
    return this.aborted || this.#ending !== undefined;
  }

  /** Gives the method what it is ready for. */
  #ask(): void {
    const method = this.#method;
    if (method === undefined) return;
    while (!this.#isMethodPaused && !this.#isEnding) {
      const message = this.#questions.shift();
      if (message === undefined) break;
      method.onMessage(message);
    }
    if (!this.#isHalfClosed || this.#questions.length > 0 || this.#isEnding) return;
    this.#isHalfClosed = false;
    method.onHalfClose();
  }

  /** Gives the caller what it is ready for. */
  #answer(): void {
    while (!this.#isCallerPaused && !this.aborted) {
      const message = this.#answers.shift();
      if (message === undefined) break;
      this.#caller.onMessage(message);
    }
    if (this.#answers.length > 0 || this.aborted) return;
    if (this.#ending !== undefined) {
      if (this.finish()) this.#caller.onEnd(this.#ending.failure);
    } else if (this.#needsDrain) {
      this.#needsDrain = false;
      this.#method?.onDrain?.();
    }
  }
}
