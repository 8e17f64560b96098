import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** Environment variable that names the program which `setup` has made. */
export const bundleVariable = 'KVORUM_TEST_BUNDLE';

const root = join(import.meta.dirname, '../..');

/**
 * For vitest's `globalSetup`: makes a few files of all that Kvorum's server is, which start with a third of the work
 * that 400 sources take. Tests start hundreds of servers. Returns how to remove them.
 */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'kvorum-bundle-'));
  await build({
    entryPoints: [join(root, 'packages/server/src/main.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node22.12',
    format: 'esm',
    conditions: ['kvorum-source'],
    plugins: [ownPlaces],
    // What npm's CommonJS packages load by themselves.
    banner: {
      js: `import { createRequire as bundled } from 'node:module'; const require = bundled(import.meta.url);`,
    },
    logLevel: 'warning',
  });
  process.env[bundleVariable] = join(folder, 'main.mjs');
  return () => rm(folder, { recursive: true, force: true });
}

/** What is loaded by where it is, or when it is wanted, is loaded from its own place, wherever the bundle is. */
const ownPlaces: Plugin = {
  name: 'own-places',
  setup({ onLoad, onResolve, resolve }) {
    onLoad({ filter: /packages\/mvcc\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: source.replaceAll('import.meta.url', url), loader: 'ts' };
    });
    onResolve({ filter: /^(@node-rs\/|@peculiar\/|[a-z])/ }, async ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import' || isBuiltin(path)) return undefined;
      const found = await resolve(path, { kind: 'import-statement', resolveDir });
      return { path: pathToFileURL(found.path).href, external: true };
    });
  },
};
