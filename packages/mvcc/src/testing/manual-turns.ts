/** Later turns of a loop that turns when told: pass `turn` to a store, and run what it put off. */
export class ManualTurns {
  readonly turn = (fn: () => void): void => {
    this.#waiting.push(fn);
  };
  #waiting: (() => void)[] = [];

  /** Functions that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs what waits now; what that puts off waits for the next call. False if there was nothing. */
  run(): boolean {
    const due = this.#waiting;
    this.#waiting = [];
    for (const fn of due) fn();
    return due.length > 0;
  }

  /** Turns, letting promises settle in between, until `promise` does. */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    while (!settled) {
      this.run();
      await null;
    }
    return promise;
  }

  /** Turns until nothing waits, letting promises settle in between. */
  async drain(): Promise<void> {
    for (let idle = 0; idle < 10; idle = this.run() ? 0 : idle + 1) await null;
  }
}
