// node scripts/bundle-ctl.ts: makes packages/ctl/dist/kvctl.cjs, all of kvctl in one file.
//
// CommonJS, since then Node's own modules and ours are loaded when a command wants them, as the sources say with
// `import()`; an ES module would load all of Node's at the start.

import { join } from 'node:path';
import { build } from 'esbuild';

const folder = join(import.meta.dirname, '../packages/ctl');

await build({
  entryPoints: [join(folder, 'src/kvctl.ts')],
  outfile: join(folder, 'dist/kvctl.cjs'),
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
