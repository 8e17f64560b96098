// Generates packages/api/src/gen from packages/api/proto.
//
//   node scripts/gen-proto.ts           rewrites the generated files
//   node scripts/gen-proto.ts --check   fails when they differ from what the .proto files say

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const protoFolder = join(root, 'packages/api/proto');
const genFolder = join(root, 'packages/api/src/gen');

/** Removes `folder` and writes it anew. */
function generate(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const template = {
    version: 'v2',
    plugins: [
      {
        local: join(root, 'node_modules/.bin/protoc-gen-es'),
        out: folder,
        // Erasable syntax: Node runs the generated sources as they are, without a build.
        opt: ['target=ts', 'import_extension=ts', 'erasable_syntax=true'],
      },
    ],
  };
  execFileSync(
    join(root, 'node_modules/.bin/buf'),
    ['generate', protoFolder, '--template', JSON.stringify(template)],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
}

/** Content by path, relative to `folder`; empty when there is no such folder. */
function readTree(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), readFileSync(path, 'utf8'));
  }
  return files;
}

function check(): boolean {
  const scratch = mkdtempSync(join(tmpdir(), 'kvorum-gen-'));
  try {
    const fresh = join(scratch, 'gen');
    generate(fresh);
    const expected = readTree(fresh);
    const actual = readTree(genFolder);
    const stale = [...new Set([...expected.keys(), ...actual.keys()])]
      .filter((path) => expected.get(path) !== actual.get(path))
      .sort();
    for (const path of stale) console.error(`packages/api/src/gen/${path} is out of date`);
    if (stale.length > 0) console.error('run: node scripts/gen-proto.ts');
    return stale.length === 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.argv.includes('--check')) {
  if (!check()) process.exitCode = 1;
} else {
  generate(genFolder);
}
