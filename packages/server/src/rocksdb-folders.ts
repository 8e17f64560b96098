import { type Engine, RocksDbEngine } from '@kvorum/mvcc';
import type { EngineFolders } from './engine-folders.ts';
import { nodeEngines } from './node-engines.ts';

/**
 * What RocksDB may use, so that a member with a million small keys stays below 300 MB: its blocks are the second cache,
 * behind that of the store, and what its buffers hold is replayed at start.
 */
const ROCKSDB_CACHE_BYTES = 16 * 1024 * 1024;
const ROCKSDB_WRITE_BUFFER_BYTES = 32 * 1024 * 1024;

/** RocksDB in folders of the file system, as members have it. */
export function rocksDbFolders(): EngineFolders {
  return nodeEngines(openRocksDb);
}

function openRocksDb(path: string): Promise<Engine> {
  return RocksDbEngine.open({
    path,
    cacheBytes: ROCKSDB_CACHE_BYTES,
    writeBufferBytes: ROCKSDB_WRITE_BUFFER_BYTES,
  });
}
