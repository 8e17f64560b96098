import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCommandLine } from './config/command-line.ts';
import { loadConfig } from './config/load-config.ts';
import { type Logger, silentLogger } from './logging/logger.ts';
import { Metrics } from './metrics/metrics.ts';
import { startMember } from './server.ts';
import { ETCD_VERSION } from './version.ts';

/** How an embedded member runs; everything has a default. */
export interface EmbedOptions {
  /** `memory` keeps nothing; `rocksdb`, the default, keeps everything in `dataDir`. */
  readonly engine?: 'memory' | 'rocksdb';
  /** Folder of the data. Default: a temporary one that `stop` removes. */
  readonly dataDir?: string;
  /** Port on 127.0.0.1 for clients; default 0, which takes a free one. */
  readonly port?: number;
  /** Further flags of the server by name, without dashes: `{ 'max-txn-ops': '256' }`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Where log lines go; default nowhere. */
  readonly logger?: Logger;
}

/** A member inside this process. */
export interface EmbeddedServer extends AsyncDisposable {
  /** Where it serves, such as `http://127.0.0.1:41234`. */
  readonly clientUrls: readonly string[];
  readonly metrics: Metrics;
  /** Resolves, never rejects, when a durable operation failed: nothing may be trusted to it any more. */
  readonly fatal: Promise<Error>;
  /** Ends calls and listeners and closes the stores; safe to call more than once. */
  stop(): Promise<void>;
}

/**
 * Starts one member in this process, as tests and tools want it: on free ports of 127.0.0.1, quiet, and gone without a
 * trace unless a `dataDir` is given. Resolves when it serves.
 *
 * Throws `ConfigError` for flags that don't fit, and what `startMember` rejects with.
 *
 * ```ts
 * await using server = await startServer({ engine: 'memory' });
 * console.log(server.clientUrls[0]);
 * ```
 */
export async function startServer(options: EmbedOptions = {}): Promise<EmbeddedServer> {
  const folder = options.dataDir ?? mkdtempSync(join(tmpdir(), 'kvorum-'));
  const removeFolder = () => {
    if (options.dataDir === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { config } = await loadConfig(parseCommandLine(flagsOf(options, folder)), {
      environment: {},
      defaultHost: undefined,
      readFile: () => Promise.reject(new Error('an embedded server reads no config file')),
    });
    const logger = options.logger ?? silentLogger;
    const metrics = new Metrics({ detail: config.metrics, serverVersion: ETCD_VERSION });
    const member = await startMember(config, { logger, metrics });
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= member.stop().finally(removeFolder);
      return stopped;
    };
    const { clientUrls, fatal } = member;
    return { clientUrls, metrics, fatal, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    removeFolder();
    throw error;
  }
}

function flagsOf(options: EmbedOptions, folder: string): string[] {
  const url = `http://127.0.0.1:${options.port ?? 0}`;
  const flags = {
    name: 'embedded',
    'data-dir': folder,
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': 'http://127.0.0.1:0',
    'initial-cluster': 'embedded=http://localhost:2380',
    'kvorum-engine': options.engine ?? 'rocksdb',
    ...options.flags,
  };
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}
