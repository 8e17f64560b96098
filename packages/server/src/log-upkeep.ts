import type { RawNode } from '@kvorum/raft';
import type { StateMachine } from './apply/state-machine.ts';
import type { Logger } from './logging/logger.ts';
import type { OpenStorage } from './storage.ts';

export interface LogUpkeepOptions {
  readonly storage: OpenStorage;
  readonly node: RawNode;
  readonly machine: StateMachine;
  readonly logger: Logger;
  /** --snapshot-count */
  readonly snapshotCount: number;
  /** --snapshot-catchup-entries */
  readonly catchupEntries: number;
  /** --max-wals */
  readonly maxWals: number;
}

/** Works ahead for the log, and lets go of what the store has on disk and no other member needs. */
export class LogUpkeep {
  readonly #options: LogUpkeepOptions;
  #snapshotIndex: number;

  constructor(options: LogUpkeepOptions) {
    this.#options = options;
    this.#snapshotIndex = options.storage.applied.index;
  }

  /** A state of that index was received. */
  installed(index: number): void {
    this.#snapshotIndex = index;
  }

  /** Between two batches, when no sync is running. `isAlone`: there is nobody to keep entries for. */
  run(isAlone: boolean): void {
    const { storage, machine, logger, snapshotCount, catchupEntries, maxWals } = this.#options;
    const { log, store } = storage;
    const { appliedIndex, confState } = machine;
    log.prepareNext((error) =>
      logger.warn('the next log segment could not be prepared', { error }),
    );
    const hasTooMany = maxWals > 0 && log.segmentCount > maxWals;
    if (hasTooMany && appliedIndex - this.#snapshotIndex >= snapshotCount) {
      store.engine.sync();
      log.snapshot(appliedIndex, log.memory.term(appliedIndex), confState, maxWals);
      this.#snapshotIndex = appliedIndex;
    }
    const keep = isAlone ? 0 : catchupEntries;
    log.trimMemory({
      appliedIndex,
      confState,
      keep,
      every: snapshotCount,
      confirmedBy: () => this.#confirmedByAll(),
    });
  }

  /** The last index that every follower which is there has; Infinity at a follower. */
  #confirmedByAll(): number {
    let index = Number.POSITIVE_INFINITY;
    for (const { match, recentActive, state } of this.#options.node.status().progress.values()) {
      if (recentActive && state === 'replicate') index = Math.min(index, match);
    }
    return index;
  }
}
