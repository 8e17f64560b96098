import type { Clock } from './clock.ts';

/** Somebody who has more to do than fits in a turn of the loop. */
export interface Worker {
  /** Does a part of it; returns how much that was, in frames or what costs as much. */
  work(): number;
  /** True: it wants another turn. */
  readonly hasMore: boolean;
}

/** What a turn does of all that waits: 2 ms at worst, if a call costs 8 us. */
const framesPerTurn = 512;

/**
 * Lets those who have too much to do at once do it in later turns, one after the other, and never more of
 * it in a turn than this: what comes meanwhile from anybody else is not held up by them, however many.
 */
export class WorkTurns {
  readonly #clock: Clock;
  #waiting: Worker[] = [];
  readonly #run = (): void => {
    const { length } = this.#waiting;
    let done = 0;
    let next = 0;
    while (next < length && done < framesPerTurn) {
      const worker = this.#waiting[next] as Worker;
      next += 1;
      done += worker.work();
      if (worker.hasMore) this.#waiting.push(worker);
    }
    this.#waiting = this.#waiting.slice(next);
    if (this.#waiting.length > 0) this.#clock.nextTurn(this.#run);
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins at once with what a turn may hold, and leaves the rest to the next ones. */
  begin(worker: Worker): void {
    let done = 0;
    while (worker.hasMore && done < framesPerTurn) done += worker.work();
    if (worker.hasMore) this.add(worker);
  }

  /** The caller sees to it that nobody stands here twice. */
  add(worker: Worker): void {
    if (this.#waiting.length === 0) this.#clock.nextTurn(this.#run);
    this.#waiting.push(worker);
  }
}
