/** A sync that takes longer is slow: a twentieth of the time between two heartbeats. */
const SLOW_MS = 5;
/** So many quick syncs in a row make a quick disk. */
const WANTED_IN_A_ROW = 32;

/** Whether the disk has been quick lately, so that the member's thread may wait for its next sync. */
export class SyncPace {
  #quickInARow = 0;

  /** A disk that nothing is known of is not quick. */
  get isQuick(): boolean {
    return this.#quickInARow >= WANTED_IN_A_ROW;
  }

  /** A sync took so long. */
  took(durationMs: number): void {
    if (durationMs > SLOW_MS) this.#quickInARow = 0;
    else this.#quickInARow += 1;
  }
}
