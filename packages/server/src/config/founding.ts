import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyBootstrap } from './initial-cluster.ts';
import type { ServerConfig } from './server-config.ts';

/**
 * Checks the --initial flags when there is no write-ahead log yet. With one the member restarts: it knows its cluster
 * from the log, and the flags may be outdated. Throws `ConfigError`.
 */
export function verifyFounding(config: ServerConfig): void {
  const walDir = config.walDir ?? join(config.dataDir, 'member', 'wal');
  if (!existsSync(walDir)) {
    verifyBootstrap(config);
  }
}
