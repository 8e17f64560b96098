import type { CompactionPolicy } from './compactor.ts';

/** Keeps the last revisions: looks every five minutes, as etcd does, and compacts to the newest less the retention. */
export class RevisionPolicy implements CompactionPolicy {
  readonly intervalMs = 300_000;
  readonly #retention: number;
  #compactedRevision = 0;

  constructor(retention: number) {
    this.#retention = retention;
  }

  look(_nowMs: number, revision: number): number | undefined {
    const target = revision - this.#retention;
    return target > this.#compactedRevision ? target : undefined;
  }

  compacted(revision: number): void {
    this.#compactedRevision = revision;
  }
}
