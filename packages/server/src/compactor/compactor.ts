import { EtcdError } from '@kvorum/api';
import type { Clock } from '../clock.ts';
import type { AutoCompaction } from '../config/server-config.ts';
import type { Logger } from '../logging/logger.ts';
import { PeriodicPolicy } from './periodic.ts';
import { RevisionPolicy } from './revision.ts';

/** Decides when to compact, and to which revision. */
export interface CompactionPolicy {
  /** How often `look` is to be called, in milliseconds. */
  readonly intervalMs: number;
  /** The revision to compact to now, or undefined. `revision` is the store's newest. */
  look(nowMs: number, revision: number): number | undefined;
  /** The compaction to that revision is done. */
  compacted(revision: number, nowMs: number): void;
}

export interface CompactorOptions {
  readonly setting: AutoCompaction;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly revision: () => number;
  /** Compacts through the log; rejects with `EtcdError`. */
  readonly compact: (revision: number) => Promise<unknown>;
}

/** Compacts by itself, as --auto-compaction-mode and --auto-compaction-retention ask. Returns how to stop it. */
export function startCompactor(options: CompactorOptions): () => void {
  const { setting, clock, logger } = options;
  if (setting.mode === 'off') return () => {};
  const policy: CompactionPolicy =
    setting.mode === 'periodic'
      ? new PeriodicPolicy(setting.retentionMs)
      : new RevisionPolicy(setting.retentionRevisions);
  let running = false;
  const look = async () => {
    const target = policy.look(clock.nowMs(), options.revision());
    if (target === undefined || running) return;
    running = true;
    try {
      await options.compact(target);
      policy.compacted(target, clock.nowMs());
      logger.info('completed auto compaction', { revision: target, mode: setting.mode });
    } catch (error) {
      // Somebody else has compacted that far: as good as done.
      const done = error instanceof EtcdError && error.code === 'compacted';
      if (done) policy.compacted(target, clock.nowMs());
      else logger.warn('failed auto compaction', { revision: target, mode: setting.mode, error });
    } finally {
      running = false;
    }
  };
  return clock.every(policy.intervalMs, () => void look());
}
