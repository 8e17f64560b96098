/** What is to be flushed once, when the queue's time has come. */
export interface Flushable {
  flush(): void;
}

/**
 * Gathers what is to be done at one moment: at the end of a turn, connections that have output, so that all
 * a turn produces on one is a single write; in the next one, those that have used up their share of this.
 */
export class TurnQueue {
  readonly #schedule: (run: () => void) => void;
  #members: Flushable[] = [];
  readonly #run = (): void => {
    const members = this.#members;
    this.#members = [];
    for (const member of members) member.flush();
  };

  /** `schedule` runs what it is given once, when the time has come. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  /** The caller sees to it that nobody stands here twice. */
  add(member: Flushable): void {
    if (this.#members.length === 0) this.#schedule(this.#run);
    this.#members.push(member);
  }
}
