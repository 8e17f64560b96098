/** Runs of notes in flight beyond which no checkpoint of the lease is handed out. Reached only if all are lost. */
const MAX_RUNS = 16;

/**
 * Which checkpoints (C) and resets (R) of one lease a leader has handed out for replication and not yet seen applied.
 *
 * A renewal may be answered only when no checkpoint can be applied after it: the older, shorter time would come back
 * with the next leader. Proposals may get lost, but those that are applied come in the order in which they were handed
 * out. So each one that is applied tells that all before it were applied or are lost:
 *
 *      handed out   C  R  R  C  R      dirty
 *      R applied          R  C  R      still dirty: the second C may come
 *      C applied                R      clean, but for the row that C wrote
 */
export class CheckpointLedger {
  /** Lengths of runs, oldest first; positive for checkpoints, negative for resets. Signs alternate. */
  readonly #runs: number[] = [];

  /** Whether a checkpoint may still be applied. */
  get dirty(): boolean {
    return this.#runs.some((run) => run > 0);
  }

  get empty(): boolean {
    return this.#runs.length === 0;
  }

  /** Whether another checkpoint may be handed out. */
  get hasRoom(): boolean {
    return this.#runs.length < MAX_RUNS;
  }

  /** Notes that a checkpoint, or else a reset, was handed out. */
  handOut(kind: 'checkpoint' | 'reset'): void {
    const sign = kind === 'checkpoint' ? 1 : -1;
    const last = this.#runs.length - 1;
    const run = this.#runs[last];
    if (run !== undefined && run * sign > 0) this.#runs[last] = run + sign;
    else this.#runs.push(sign);
  }

  /** Notes that one was applied. */
  apply(kind: 'checkpoint' | 'reset'): void {
    const sign = kind === 'checkpoint' ? 1 : -1;
    const index = this.#runs.findIndex((run) => run * sign > 0);
    // None of that kind is known: it was handed out before this ledger was made, so it stands before everything.
    if (index === -1) return;
    this.#runs.splice(0, index);
    const run = (this.#runs[0] ?? sign) - sign;
    if (run === 0) this.#runs.shift();
    else this.#runs[0] = run;
  }
}
