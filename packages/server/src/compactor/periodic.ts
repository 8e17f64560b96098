import type { CompactionPolicy } from './compactor.ts';

const HOUR_MS = 3_600_000;
/** Samples of the revision per compaction interval, as in etcd. */
const SAMPLES_PER_INTERVAL = 10;

/**
 * Keeps the history of a period: every interval (the period, an hour at most) it compacts to the revision that was
 * current one period ago. Nothing happens before a whole period has passed.
 */
export class PeriodicPolicy implements CompactionPolicy {
  readonly intervalMs: number;
  readonly #periodMs: number;
  readonly #compactEveryMs: number;
  readonly #samples: { readonly atMs: number; readonly revision: number }[] = [];
  #lastCompactionMs: number | undefined;
  #compactedRevision = 0;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
    this.#compactEveryMs = Math.min(periodMs, HOUR_MS);
    this.intervalMs = this.#compactEveryMs / SAMPLES_PER_INTERVAL;
  }

  look(nowMs: number, revision: number): number | undefined {
    this.#samples.push({ atMs: nowMs, revision });
    const [oldest] = this.#samples;
    if (oldest === undefined || nowMs - oldest.atMs < this.#periodMs) return undefined;
    // Of the samples that are old enough only the newest is of use.
    while (nowMs - (this.#samples[1]?.atMs ?? nowMs) >= this.#periodMs) this.#samples.shift();
    const last = this.#lastCompactionMs;
    if (last !== undefined && nowMs - last < this.#compactEveryMs) return undefined;
    const target = this.#samples[0]?.revision ?? 0;
    return target > this.#compactedRevision ? target : undefined;
  }

  compacted(revision: number, nowMs: number): void {
    this.#compactedRevision = revision;
    this.#lastCompactionMs = nowMs;
  }
}
