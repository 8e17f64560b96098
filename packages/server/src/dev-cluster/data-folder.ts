import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../config/config-error.ts';
import type { Place } from './layout.ts';
import type { DevClusterOptions } from './options.ts';

/** Tells a data directory of this command from others, and which cluster is in it. */
const MARK = 'dev-cluster.txt';

/**
 * Makes the data directory ready: empties it if asked to, and refuses what belongs to somebody else or to a cluster of
 * another shape, whose members would not find each other. Throws `ConfigError` "invalid".
 */
export async function prepareDataFolder(
  { dataDir, fresh }: Pick<DevClusterOptions, 'dataDir' | 'fresh'>,
  places: readonly Place[],
): Promise<void> {
  const shape = `${places.map((place) => `${place.name} ${place.proxyPort}`).join('\n')}\n`;
  const mark = join(dataDir, MARK);
  try {
    await mkdir(dataDir, { recursive: true });
    const names = await readdir(dataDir);
    if (names.length > 0 && !names.includes(MARK)) {
      throw new ConfigError('invalid', `${dataDir} holds something else than a dev-cluster's data`);
    }
    if (fresh) {
      for (const name of names) await rm(join(dataDir, name), { recursive: true, force: true });
    } else if (names.includes(MARK) && (await readFile(mark, 'utf8')) !== shape) {
      throw new ConfigError(
        'invalid',
        `${dataDir} holds a cluster of other members or ports: give the same --nodes and --base-port, ` +
          'another --data-dir, or --fresh to begin anew',
      );
    }
    await writeFile(mark, shape);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('invalid', `cannot use the data directory ${dataDir}: ${reason}`);
  }
}
