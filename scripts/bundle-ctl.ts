// node scripts/bundle-ctl.ts: makes packages/ctl/dist/kvctl.cjs and kvutl.cjs, all of a program in one file.
//
// CommonJS, since then Node's own modules and ours are loaded when a command wants them, as the sources say with
// `import()`; an ES module would load all of Node's at the start.

import { join } from 'node:path';
import { build } from 'esbuild';

const folder = join(import.meta.dirname, '../packages/ctl');

await build({
  entryPoints: ['kvctl', 'kvutl'].map((name) => join(folder, `src/${name}.ts`)),
  outdir: join(folder, 'dist'),
  outExtension: { '.js': '.cjs' },
  // It has RocksDB's native code with it, and is loaded by the commands that need it.
  external: ['@kvorum/server/offline'],
  bundle: true,
  platform: 'node',
  target: 'node22.12',
  format: 'cjs',
  conditions: ['kvorum-source'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'eof',
  logLevel: 'warning',
});
