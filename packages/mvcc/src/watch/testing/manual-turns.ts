/** Turns of an event loop that run when a test says so. */
export class ManualTurns {
  readonly #queue: (() => void)[] = [];

  readonly turn = (run: () => void): void => {
    this.#queue.push(run);
  };

  get waiting(): number {
    return this.#queue.length;
  }

  /** Runs what was asked for before this call, not what that asks for. */
  runOne(): void {
    for (const run of this.#queue.splice(0)) run();
  }

  /** Runs until nothing is asked for any more; throws when that does not come. */
  runAll(limit = 100_000): void {
    for (let i = 0; this.#queue.length > 0; i += 1) {
      if (i >= limit) throw new Error(`still busy after ${limit} turns`);
      this.runOne();
    }
  }
}
