import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headlessFlags } from '../framework/browser.ts';
import { systemProgram } from '../framework/real-etcd.ts';

// @kvorum/raft as its users get it: built, packed, installed into an empty folder, without a registry.

const chromium = systemProgram('chromium');
const source = join(import.meta.dirname, '../../packages/raft');
const project = mkdtempSync(join(tmpdir(), 'kvorum-raft-package-'));
const said = ['hello world', 'hello world', 'hello world'];

/** The program of the README that runs three nodes in one process. */
function example(): string {
  const readme = readFileSync(join(source, 'README.md'), 'utf8');
  const code = /^## Three nodes.*?^```ts\n(.*?)^```$/ms.exec(readme)?.[1];
  if (code === undefined) throw new Error('the README of packages/raft has lost its example');
  return code;
}

beforeAll(() => {
  const run = (folder: string, program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  run(source, 'pnpm', 'run', 'build');
  const tarball = join(project, 'raft.tgz');
  run(source, 'pnpm', 'pack', '--out', tarball);
  const folder = join(project, 'app');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  run(folder, 'npm', 'install', '--offline', '--no-audit', '--no-fund', tarball);
  writeFileSync(join(folder, 'example.ts'), example());
  const script = stripTypeScriptTypes(example());
  const imports = { '@kvorum/raft': './node_modules/@kvorum/raft/dist/index.js' };
  const page = `<!doctype html><title>raft</title><body><script>
    console.log = (value) => { document.body.dataset.said = value.join('|'); };
    </script><script type="importmap">${JSON.stringify({ imports })}</script>
    <script type="module">${script}</script>`;
  writeFileSync(join(folder, 'index.html'), page);
}, 120_000);

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

/** The installed project as a site. */
async function serve(): Promise<Server> {
  const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : normalize(request.url ?? '');
    try {
      const body = readFileSync(join(project, 'app', path));
      response.setHeader('content-type', types[extname(path)] ?? 'text/plain').end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('the packed @kvorum/raft', () => {
  it("runs its README's example in Node", () => {
    const output = execFileSync(process.execPath, ['example.ts'], {
      cwd: join(project, 'app'),
      env: { ...process.env, NODE_OPTIONS: '' },
      encoding: 'utf8',
    });
    expect(JSON.parse(output.replaceAll("'", '"'))).toEqual(said);
  });

  it.skipIf(chromium === undefined)("runs its README's example in a browser", async () => {
    const server = await serve();
    try {
      const { port } = server.address() as AddressInfo;
      const flags = [
        ...headlessFlags,
        `--user-data-dir=${join(project, 'profile')}`,
        '--dump-dom',
        `http://127.0.0.1:${port}/`,
      ];
      const { stdout } = await promisify(execFile)(chromium ?? '', flags, { timeout: 50_000 });
      expect(/data-said="(.*?)"/.exec(stdout)?.[1]?.split('|')).toEqual(said);
    } finally {
      server.close();
    }
  });
});
