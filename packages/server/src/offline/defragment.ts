import { type OfflineTools, withMemberStore } from './data-folder.ts';

/** Bytes of a store on disk, about. */
export interface Defragmented {
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/**
 * Removes what compaction has promised to remove from the store of a member that doesn't run, and writes all of it to
 * disk. RocksDB gives space back by itself, so no more is left to be done. Rejects like `withMemberStore`.
 */
export function defragment(dataDir: string, tools: OfflineTools): Promise<Defragmented> {
  return withMemberStore(dataDir, tools, async (store) => {
    const beforeBytes = store.engine.sizeBytes();
    await store.whenCompacted();
    store.engine.sync();
    return { beforeBytes, afterBytes: store.engine.sizeBytes() };
  });
}
