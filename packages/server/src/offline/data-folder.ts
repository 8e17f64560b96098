import { type Engine, Store } from '@kvorum/mvcc';
import type { Disk } from '@kvorum/wal';
import { type Clock, systemClock } from '../clock.ts';
import { type EngineFolders, StoreFolders } from '../engine-folders.ts';
import { OfflineError } from './offline-error.ts';

/** What is needed to look into folders. */
export interface OfflineTools {
  readonly disk: Disk;
  readonly engines: EngineFolders;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** Opens the store of an engine, with the turns of the clock. */
export function openOfflineStore(engine: Engine, { clock = systemClock }: OfflineTools): Store {
  return Store.open({ engine, turn: clock.nextTurn, now: clock.nowMs });
}

/**
 * Runs `work` on the store of a member that doesn't run, and keeps anybody from starting it meanwhile. Rejects with
 * `OfflineError` "missing" or "foreign", with `WalError` "locked" while the member runs, and with what `work` rejects with.
 */
export async function withMemberStore<T>(
  dataDir: string,
  tools: OfflineTools,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const { disk, engines } = tools;
  const memberDir = `${dataDir}/member`;
  if (!disk.exists(memberDir)) {
    throw new OfflineError('missing', `${dataDir} is no data directory: it has no folder "member"`);
  }
  if (disk.exists(`${memberDir}/snap/db`)) {
    const text =
      `${dataDir} is a data directory of etcd, not of Kvorum: use etcdutl on it, or save a snapshot ` +
      'of it and restore that with "snapshot restore"';
    throw new OfflineError('foreign', text);
  }
  if (!hasStore(engines, memberDir))
    throw new OfflineError('missing', `there is no database in ${memberDir}`);
  const lock = disk.lock(`${memberDir}/lock`);
  try {
    const engine = await new StoreFolders(engines, memberDir).openCurrent();
    const store = openOfflineStore(engine, tools);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  } finally {
    lock.release();
  }
}

/** Whether the folder of a member has a store of Kvorum. */
export function hasStore(engines: EngineFolders, memberDir: string): boolean {
  return engines.list(memberDir).some((name) => /^db(\.\d+)?$/.test(name));
}
