import { Backoff } from './backoff.ts';
import type { CallOptions } from './call-options.ts';
import { abortedError, ClientError } from './errors.ts';
import type { Timers } from './timers.ts';

/** Until the server is asked again how far it is, in ms; the next ones are longer. A follower is late by a few. */
const firstPauseMs = 5;

interface Waiter {
  readonly revision: bigint;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** What waiters need of that which they wait for. */
export interface WaitersHome {
  readonly timers: Timers;
  /** For waits that say nothing else, in ms; 0: for ever. */
  readonly timeoutMs: number;
  readonly revision: () => bigint;
  /** Asks how far the store is, as far as can be asked now; an answer may fail to come. */
  readonly ask: () => void;
}

/** Those who wait until a cache, or a mirror, has seen a revision: while there are any, the server is asked. */
export class RevisionWaiters {
  readonly #home: WaitersHome;
  readonly #waiting = new Set<Waiter>();
  readonly #backoff: Backoff;
  #callOff: (() => void) | undefined = undefined;
  #error: unknown = undefined;

  constructor(home: WaitersHome) {
    this.#home = home;
    this.#backoff = new Backoff(home.timers, firstPauseMs);
  }

  /** Rejects with `ClientError`: "timeout", "aborted", or what `fail` was called with. */
  wait(revision: bigint, { timeoutMs, signal }: CallOptions): Promise<void> {
    const { timers } = this.#home;
    const limitMs = timeoutMs ?? this.#home.timeoutMs;
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (signal?.aborted === true) return Promise.reject(abortedError('wait', signal));
    if (this.#home.revision() >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const leave = () => {
        callOff();
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(waiter);
        if (this.#waiting.size === 0) this.#rest();
      };
      const fail = (error: unknown) => {
        leave();
        reject(error);
      };
      const done = () => {
        leave();
        resolve();
      };
      const waiter = { revision, done, fail };
      const onAbort = () => fail(abortedError('wait', signal));
      const onTimeout = () => fail(timeoutError(revision, this.#home.revision(), limitMs));
      const callOff = limitMs === 0 ? () => {} : timers.after(limitMs, onTimeout);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
      if (this.#callOff === undefined) this.#ask();
    });
  }

  /** More has been seen. */
  moved(): void {
    const revision = this.#home.revision();
    for (const waiter of this.#waiting) if (waiter.revision <= revision) waiter.done();
  }

  /** There is someone to ask again. */
  askAnew(): void {
    this.#rest();
    if (this.#waiting.size > 0) this.#ask();
  }

  /** Nothing more will be seen. */
  fail(error: unknown): void {
    this.#error = error;
    for (const waiter of this.#waiting) waiter.fail(error);
  }

  /** A member that is behind the others answers with what it has: then it is asked again. */
  #ask(): void {
    this.#callOff = this.#home.timers.after(this.#backoff.next(), () => this.#ask());
    this.#home.ask();
  }

  #rest(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#backoff.reset();
  }
}

function timeoutError(wanted: bigint, seen: bigint, limitMs: number): ClientError {
  const message = `revision ${seen} has been seen, and not ${wanted} within ${limitMs} ms`;
  return new ClientError({ code: 'timeout', message, retryable: true });
}
