import { grpcStatus } from '@kvorum/api';
import { CallFailure, type ChannelReceiver, type ChannelStream } from '../channel.ts';
import type { Timers } from '../timers.ts';
import type { RequestPlan } from './request-plan.ts';

/** What a streaming call is made of. */
export interface FetchStreamOptions {
  readonly plan: (receiver: ChannelReceiver) => RequestPlan;
  readonly receiver: ChannelReceiver;
  readonly timers: Timers;
  /** For the whole call, however many requests it is, in ms from now; undefined: no limit. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A streaming call over fetch: its end is told once, and after it nothing happens. */
export class FetchStream implements ChannelStream {
  readonly #receiver: ChannelReceiver;
  readonly #plan: RequestPlan;
  readonly #cleanUp: (() => void)[] = [];
  #hasEnded = false;

  constructor({ plan, receiver, timers, timeoutMs, signal }: FetchStreamOptions) {
    this.#receiver = receiver;
    this.#plan = plan({
      onMessage: (message) => {
        if (!this.#hasEnded) receiver.onMessage(message);
      },
      onEnd: (failure) => this.#end(failure),
    });
    if (timeoutMs !== undefined) {
      const expired = new CallFailure(grpcStatus.deadlineExceeded, 'the time is over', false);
      this.#cleanUp.push(timers.after(timeoutMs, () => this.#end(expired)));
    }
    if (signal !== undefined) {
      const cancel = () => this.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      this.#cleanUp.push(() => signal.removeEventListener('abort', cancel));
      // In the next turn, as everything else that a call tells.
      if (signal.aborted) queueMicrotask(cancel);
    }
  }

  send(message: Uint8Array): void {
    if (!this.#hasEnded) this.#plan.send(message);
  }

  halfClose(): void {
    if (!this.#hasEnded) this.#plan.halfClose();
  }

  cancel(): void {
    this.#end(new CallFailure(grpcStatus.canceled, 'the call was cancelled', false));
  }

  pause(): void {
    if (!this.#hasEnded) this.#plan.pause();
  }

  resume(): void {
    if (!this.#hasEnded) this.#plan.resume();
  }

  #end(failure: CallFailure | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const undo of this.#cleanUp) undo();
    this.#plan.stop();
    this.#receiver.onEnd(failure);
  }
}
