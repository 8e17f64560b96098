import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Engine } from '@kvorum/mvcc';
import type { EngineFolders } from './engine-folders.ts';

/** Engines in folders of the file system. */
export function nodeEngines(open: (path: string) => Promise<Engine>): EngineFolders {
  return {
    open,
    list(dir) {
      try {
        return readdirSync(dir);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
        throw error;
      }
    },
    remove: (path) => rmSync(path, { recursive: true, force: true }),
    rename(from, to) {
      renameSync(from, to);
      syncDir(dirname(to));
      syncDir(dirname(from));
    },
  };
}

function syncDir(dir: string): void {
  const descriptor = openSync(dir, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
