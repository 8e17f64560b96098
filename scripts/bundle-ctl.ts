// node scripts/bundle-ctl.ts: makes packages/ctl/dist/kvctl.cjs and kvutl.cjs, and beside each all of its program in
// one file. What is started is tiny: it has Node keep the compiled program for the next start, and that must be said
// before the program is loaded.
//
// CommonJS, since then Node's own modules and ours are loaded when a command wants them, as the sources say with
// `import()`; an ES module would load all of Node's at the start.

import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const folder = join(import.meta.dirname, '../packages/ctl');

const options = {
  bundle: true,
  platform: 'node',
  target: 'node22.12',
  format: 'cjs',
  conditions: ['kvorum-source'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'eof',
  logLevel: 'warning',
} satisfies BuildOptions;

for (const name of ['kvctl', 'kvutl']) {
  const program = `${name}-program.cjs`;
  await build({
    ...options,
    entryPoints: [join(folder, `src/${name}.ts`)],
    outfile: join(folder, 'dist', program),
    // It has RocksDB's native code with it, and is loaded by the commands that need it.
    external: ['@kvorum/server/offline'],
  });
  await build({
    ...options,
    stdin: {
      contents: [
        `import { useCompileCache } from './compile-cache.ts';`,
        'useCompileCache(process.env);',
        `require(${JSON.stringify(`./${program}`)});`,
      ].join('\n'),
      resolveDir: join(folder, 'src'),
      loader: 'ts',
    },
    banner: { js: '#!/usr/bin/env node' },
    outfile: join(folder, `dist/${name}.cjs`),
    external: [`./${program}`],
  });
}
