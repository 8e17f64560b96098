import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MemoryEngine } from '../memory-engine.ts';
import { RocksDbEngine } from '../rocksdb-engine.ts';
import type { EngineFactory } from './engine-conformance.ts';

/** Makes memory engines that can crash. A reopened one is what a clean stop leaves. */
export function memoryEngines(): EngineFactory {
  return {
    open: async () => new MemoryEngine({ crashable: true }),
    reopen: async (engine) => {
      if (!(engine instanceof MemoryEngine)) throw new Error('not an engine of this factory');
      engine.sync();
      return engine.crashClone(0);
    },
    dispose: async () => {},
  };
}

/** Makes RocksDB engines, each in a directory of its own under the system's temporary one. */
export function rocksDbEngines(): EngineFactory {
  const directories: string[] = [];
  const open = (path: string): Promise<RocksDbEngine> =>
    RocksDbEngine.open({ path, cacheBytes: 8 << 20, writeBufferBytes: 8 << 20 });
  return {
    open: () => {
      const path = mkdtempSync(join(tmpdir(), 'kvorum-mvcc-'));
      directories.push(path);
      return open(path);
    },
    reopen: async (engine) => {
      await engine.close();
      const path = directories.at(-1);
      if (path === undefined) throw new Error('nothing was opened');
      return open(path);
    },
    dispose: async () => {
      for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
    },
  };
}
