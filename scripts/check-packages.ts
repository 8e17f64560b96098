// node scripts/check-packages.ts
//
// Packs every package that is published, as `pnpm publish` would, and looks at the tarballs: publint and
// arethetypeswrong find nothing to say, nothing is in them that should not be, and a project that has only
// the tarballs can import each entry point. Needs a build.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');
const environment = { ...process.env, PATH: bin + delimiter + (process.env.PATH ?? '') };

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A published package, packed. */
interface Packed {
  /** Folder in the workspace. */
  readonly source: string;
  readonly tarball: string;
  /** Folder it is unpacked in, under the node_modules of the importing project. */
  readonly unpacked: string;
  readonly manifest: Manifest;
}

const problems: string[] = [];

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function pack(source: string, scratch: string): Packed {
  const { name } = readManifest(source);
  const tarball = join(scratch, `${name.replace('@', '').replace('/', '-')}.tgz`);
  execFileSync(join(bin, 'pnpm'), ['pack', '--out', tarball], {
    cwd: source,
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const unpacked = join(scratch, 'node_modules', name);
  mkdirSync(unpacked, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', unpacked]);
  return { source, tarball, unpacked, manifest: readManifest(unpacked) };
}

/** Every file of a folder, relative to it. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** Tests, sources and left-overs of deleted sources have no place in a tarball. */
function checkContent({ source, unpacked, manifest }: Packed): void {
  const files = filesIn(unpacked);
  for (const needed of [
    'package.json',
    'README.md',
    'LICENSE',
    'dist/index.js',
    'dist/index.d.ts',
  ]) {
    if (!files.includes(needed)) problems.push(`${manifest.name}: the tarball lacks ${needed}`);
  }
  for (const file of files) {
    if (/\.test\.|^dist\/testing\/|^src\//.test(file)) {
      problems.push(`${manifest.name}: the tarball holds ${file}`);
    }
    const origin = file.replace(/^dist\//, 'src/').replace(/\.(c?js|d\.ts)(\.map)?$/, '.ts');
    if (file.startsWith('dist/') && !existsSync(join(source, origin))) {
      problems.push(
        `${manifest.name}: ${file} has no source any more; delete dist and build again`,
      );
    }
  }
  if (manifest.exports?.['./testing'] !== undefined) {
    problems.push(`${manifest.name}: "./testing" is exported to the world`);
  }
  const text = JSON.stringify(manifest);
  if (/workspace:|kvorum-source/.test(text)) {
    problems.push(`${manifest.name}: the packed manifest speaks of the workspace`);
  }
}

/** Runs a checking tool on the tarball; its output is shown only when it complains. */
function checkWith(tool: string, args: readonly string[], name: string): void {
  const { status, stdout, stderr } = spawnSync(join(bin, tool), args, {
    env: environment,
    encoding: 'utf8',
  });
  if (status === 0) return;
  problems.push(`${name}: ${tool} complains`);
  console.error(stdout, stderr);
}

/** Gives the unpacked package the dependencies from outside the workspace that it has in the workspace. */
function linkDependencies({ source, unpacked, manifest }: Packed, own: ReadonlySet<string>): void {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  for (const name of names) {
    if (own.has(name)) continue;
    const link = join(unpacked, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(join(source, 'node_modules', name)), link);
  }
}

/** Imports every entry point in a process that knows nothing of the workspace. */
function checkImports({ manifest }: Packed, project: string): void {
  for (const entry of Object.keys(manifest.exports ?? {})) {
    if (entry === './package.json') continue;
    const specifier = manifest.name + entry.slice(1);
    const { status, stderr } = spawnSync(
      join(bin, 'node'),
      ['--input-type=module', '--eval', `await import(${JSON.stringify(specifier)})`],
      { cwd: project, env: { ...environment, NODE_OPTIONS: '' }, encoding: 'utf8' },
    );
    if (status === 0 && stderr === '') continue;
    problems.push(`${specifier} cannot be imported cleanly`);
    console.error(stderr);
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'kvorum-packages-'));
try {
  const packages = readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .filter((folder) => readManifest(folder).private !== true)
    .map((folder) => pack(folder, scratch));
  const own = new Set(packages.map(({ manifest }) => manifest.name));
  for (const packed of packages) {
    checkContent(packed);
    checkWith('publint', ['--strict', packed.tarball], packed.manifest.name);
    checkWith('attw', ['--profile', 'esm-only', packed.tarball], packed.manifest.name);
    linkDependencies(packed, own);
  }
  for (const packed of packages) checkImports(packed, scratch);
  console.log(`${packages.length} packages packed and imported, ${problems.length} problems`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
