import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { connect } from '@kvorum/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../framework/authority.ts';
import { runPage } from '../framework/browser.ts';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { systemProgram } from '../framework/real-etcd.ts';
import { type SecureServer, startSecureServer } from '../tls/secure-server.ts';
import { bundleForBrowser } from '../web/bundle.ts';
import { type Program, pages, programsOf } from './programs.ts';

// Every block of code of the cookbook is a program that compiles, runs against a member, and prints what it says.

const root = join(import.meta.dirname, '../..');
// Within the workspace, where packages resolve.
const folder = join(root, '.cache/cookbook');
const programs = pages.flatMap(programsOf);
const chromium = systemProgram('chromium');
const openssl = systemProgram('openssl');
/** Where programs find their certificates, and leave their files. */
const scratch = mkdtempSync(join(tmpdir(), 'kvorum-cookbook-'));

let member: TestMember;
/** It takes nobody without a certificate. */
let secured: SecureServer | undefined;

/** The code with the addresses and files of this machine. */
function adapted(code: string): string {
  return code
    .replaceAll('https://127.0.0.1:2379', secured?.url ?? '')
    .replaceAll('127.0.0.1:2379', member.endpoint)
    .replaceAll(/'(certificates\/|backup)/g, `'${scratch}/$1`);
}

async function linesOf({ code, file }: Program): Promise<string[]> {
  const lines: string[] = [];
  const log = (...values: unknown[]) => {
    lines.push(...format(...values).split('\n'));
  };
  Object.assign(globalThis, { cookbookConsole: { log } });
  const path = join(folder, `run-${file}`);
  writeFileSync(path, `const console = globalThis.cookbookConsole;\n${adapted(code)}`);
  await import(/* @vite-ignore */ path);
  return lines;
}

async function linesOfPage({ code }: Program): Promise<unknown> {
  const log = `const lines = []; const console = { log: (...all) => lines.push(all.join(' ')) };`;
  const { script } = await bundleForBrowser(`${log}\n${adapted(code)}\nreport(lines);`);
  return await runPage(chromium ?? '', script, '');
}

describe('the programs of the cookbook', () => {
  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(scratch, 'certificates'));
    member = await startKvorum();
    if (openssl === undefined) return;
    using authority = new Authority(openssl);
    const [mine, its] = [authority.issue(), authority.issue()];
    copyFileSync(authority.file, join(scratch, 'certificates/ca.pem'));
    copyFileSync(mine.file, join(scratch, 'certificates/client.pem'));
    copyFileSync(mine.keyFile, join(scratch, 'certificates/client-key.pem'));
    secured = await startSecureServer({
      'cert-file': its.file,
      'key-file': its.keyFile,
      'trusted-ca-file': authority.file,
      'client-cert-auth': 'true',
    });
  });
  afterAll(async () => {
    await secured?.[Symbol.asyncDispose]();
    await member[Symbol.asyncDispose]();
    for (const one of [folder, scratch]) rmSync(one, { recursive: true, force: true });
  });

  // Each finds an empty store, as at a reader's who tries it.
  beforeEach(async () => {
    await using client = connect({ endpoints: [member.endpoint] });
    await client.delete({ prefix: '' });
  });

  it('are many, and say what they print', () => {
    expect(programs.length).toBeGreaterThan(30);
    expect(programs.filter(({ prints }) => prints.length === 0)).toEqual([]);
  });

  it('compile', () => {
    for (const { file, code } of programs) writeFileSync(join(folder, file), code);
    const config = { extends: '../../tsconfig.json', include: programs.map(({ file }) => file) };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules/.bin/tsc');
    const { stdout } = spawnSync(compiler, ['-p', folder], { encoding: 'utf8' });
    expect(stdout.split('\n').filter((line) => line.includes('.cache/cookbook'))).toEqual([]);
  });

  for (const program of programs) {
    const { name, runsIn, code, prints } = program;
    const missesTls = openssl === undefined && code.includes('https://127.0.0.1');
    const misses = missesTls || (runsIn === 'browser' && chromium === undefined);
    it.skipIf(misses)(name, async () => {
      const seen = runsIn === 'node' ? await linesOf(program) : await linesOfPage(program);
      expect(seen).toEqual(prints);
    });
  }
});
