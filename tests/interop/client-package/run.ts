import { deepStrictEqual } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPage } from '../../framework/browser.ts';
import { startKvorum } from '../../framework/member.ts';
import { systemProgram } from '../../framework/real-etcd.ts';

// @kvorum/client as its users get it: built, packed, and installed from the tarballs into an empty project, which is
// checked by a strict TypeScript, run by three versions of Node against a member of Kvorum, and, with @kvorum/recipes,
// built by Vite into a page that Chromium runs.
// It takes what else there is from npm's registry, so it is no test: `npm run client-package`.

/** No step takes longer, in ms. */
const stepTimeoutMs = 180_000;

const root = join(import.meta.dirname, '../../..');
const project = mkdtempSync(join(tmpdir(), 'kvorum-client-package-'));

function run(folder: string, program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: stepTimeoutMs,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

/** Packs a package of the workspace, and says how an npm project depends on it. */
function pack(name: string): [string, string] {
  const folder = join(root, 'packages', name);
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  run(folder, 'pnpm', 'run', 'build');
  run(folder, 'pnpm', 'pack', '--out', join(project, `${name}.tgz`));
  return [`@kvorum/${name}`, `file:${name}.tgz`];
}

/** Versions of Node, by where npm puts them: what the package `node` brings, without its script. */
const runtimes = Object.fromEntries(
  ['22', '24', '26'].map((version) => [
    `node-${version}`,
    `npm:node-${process.platform}-${process.arch}@${version}`,
  ]),
);

function install(): void {
  // In the order in which they need each other.
  const dependencies = Object.fromEntries(['api', 'h2', 'client', 'recipes'].map(pack));
  const devDependencies = { typescript: '7.0.2', vite: '8.4.0', '@types/node': '22', ...runtimes };
  const manifest = { type: 'module', private: true, dependencies, devDependencies };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  for (const folder of ['node', 'browser']) {
    cpSync(join(import.meta.dirname, 'testdata', folder), join(project, folder), {
      recursive: true,
    });
  }
  run(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline');
}

/** All files of a folder, in bytes. */
function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

/** What only Node has would be left out with a warning, which is an error here. */
function buildByVite(folder: string): void {
  const vite = join(project, 'node_modules/.bin/vite');
  const options = { cwd: folder, encoding: 'utf8', timeout: stepTimeoutMs } as const;
  const { status, stdout, stderr } = spawnSync(vite, ['build'], options);
  const isGood = status === 0 && !/externalized|warning|\(!\)/i.test(stdout + stderr);
  if (!isGood) throw new Error(`Vite complains:\n${stdout}${stderr}`);
}

/** What the page of testdata/browser shows. */
const shown = [
  'config/a',
  'config/b',
  'delete config/a',
  'locked: true',
  'leads: a page',
  'visit 1',
];

/** Runs what Vite has built in a browser, as a page of another origin than the member's. */
async function runBuiltPage(url: string): Promise<void> {
  const chromium = systemProgram('chromium');
  if (chromium === undefined) {
    console.log('Chromium: not installed, the page was not run');
    return;
  }
  const assets = join(project, 'browser/dist/assets');
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  const [name = ''] = scripts;
  deepStrictEqual(scripts, [name], 'Vite makes one script');
  const query = new URLSearchParams({ endpoint: url }).toString();
  const seen = await runPage(chromium, readFileSync(join(assets, name), 'utf8'), query);
  deepStrictEqual(seen, shown);
  console.log(`Chromium: the page shows ${shown.join(', ')}`);
}

async function main(): Promise<void> {
  install();
  const tsc = join(project, 'node_modules/.bin/tsc');
  run(project, tsc, '-p', 'node');
  console.log('strict TypeScript for Node: no complaint');
  run(project, tsc, '-p', 'browser');
  console.log('strict TypeScript for browsers, without the types of Node: no complaint');
  await using member = await startKvorum();
  for (const name of Object.keys(runtimes)) {
    const node = join(project, 'node_modules', name, 'bin/node');
    for (const program of ['out/app.js', 'node/migrated.cjs']) {
      console.log(run(project, node, program, member.endpoint).trim());
    }
  }
  buildByVite(join(project, 'browser'));
  const size = sizeOf(join(project, 'browser/dist'));
  console.log(`Vite: an app of ${size} bytes`);
  await runBuiltPage(member.url);
}

try {
  await main();
} finally {
  rmSync(project, { recursive: true, force: true });
}
