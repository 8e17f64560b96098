import type { Clock } from './clock.ts';

/** What is to be flushed once, at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/** Gathers connections that have output, so that all a turn produces on one is a single write. */
export class TurnQueue {
  readonly #clock: Clock;
  #members: Flushable[] = [];
  readonly #run = (): void => {
    const members = this.#members;
    this.#members = [];
    for (const member of members) member.flush();
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The caller sees to it that nobody stands here twice. */
  add(member: Flushable): void {
    if (this.#members.length === 0) this.#clock.endOfTurn(this.#run);
    this.#members.push(member);
  }
}
