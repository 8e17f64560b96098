import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testServer } from './server.ts';

const server = testServer();
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvorum-editor-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The environment for an editor that is these lines of shell; the file to edit is "$1". */
async function editor(script: string): Promise<Readonly<Record<string, string>>> {
  const file = join(folder, 'editor');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return { EDITOR: file, PATH: process.env.PATH ?? '' };
}

const get = async (key: string) => {
  const { kvs } = await server.client.kv.range({ key: Buffer.from(key) });
  return kvs[0];
};

const storedText = async (key: string) => Buffer.from((await get(key))?.value ?? []).toString();

it('what the editor saved is stored, and the lease stays', async () => {
  const { ID } = await server.client.lease.leaseGrant({ TTL: 600n });
  await server.client.kv.put({
    key: Buffer.from('config.yaml'),
    value: Buffer.from('a: 1'),
    lease: ID,
  });
  // Editors end the last line.
  const env = await editor(
    `sed -i s/1/2/ "$1"; echo >>"$1"; case $1 in *.yaml) ;; *) exit 9;; esac`,
  );
  const result = await server.kvctl('edit config.yaml', { env });
  expect(result).toEqual({ exitCode: 0, stdout: 'OK\n', stderr: '' });
  const stored = await get('config.yaml');
  expect([await storedText('config.yaml'), stored?.lease]).toEqual(['a: 2', ID]);
});

it('a key that does not exist is made, unless nothing was typed', async () => {
  const untouched = await server.kvctl('edit new', { env: await editor('true') });
  expect([untouched.stdout, await get('new')]).toEqual(['nothing to store\n', undefined]);
  await server.kvctl('edit new', { env: await editor('echo hello >"$1"') });
  expect(await storedText('new')).toBe('hello');
});

it('an unchanged text makes no revision', async () => {
  await server.kvctl('put same text');
  const before = await get('same');
  const env = { ...(await editor('true')), VISUAL: 'touch -r /dev/null' };
  expect((await server.kvctl('edit same', { env })).stdout).toBe('unchanged\n');
  expect(await get('same')).toEqual(before);
});

it('a change of somebody else is not overwritten, and the text is kept', async () => {
  await server.kvctl('put contested old');
  const url = `${server.member.url}/etcdserverpb.KV/Put`;
  const body = JSON.stringify({ key: btoa('contested'), value: btoa('theirs') });
  const request = `fetch("${url}", { method: "POST", headers: { "content-type": "application/json" }, body: process.argv[1] }).then((answer) => process.exit(answer.ok ? 0 : 1))`;
  const env = await editor(`${process.execPath} -e '${request}' '${body}' && echo mine >"$1"`);
  const result = await server.kvctl('edit contested', { env });
  expect([result.exitCode, await storedText('contested')]).toEqual([1, 'theirs']);
  const file = /kept in (\S+)/.exec(result.stderr)?.[1] ?? '';
  expect(await readFile(file, 'utf8')).toBe('mine\n');
  expect(result.stderr).toContain(`etcdctl put contested <${file}`);
  await rm(dirname(file), { recursive: true });
});

it('an editor that fails stores nothing and leaves no file', async () => {
  await server.kvctl('put failing old');
  const env = await editor(`echo new >"$1"; echo "$1" >${folder}/name; exit 3`);
  const result = await server.kvctl('edit failing', { env });
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/ended with exit code 3; nothing was stored/);
  expect(await storedText('failing')).toBe('old');
  const file = (await readFile(join(folder, 'name'), 'utf8')).trim();
  await expect(access(file)).rejects.toThrow('ENOENT');
});

it('bytes that are no text are refused', async () => {
  await server.client.kv.put({ key: Buffer.from('binary'), value: Uint8Array.of(0xff, 0x00) });
  const result = await server.kvctl('edit binary', { env: await editor('true') });
  expect([result.exitCode, result.stderr]).toEqual([
    4,
    expect.stringContaining('no text in UTF-8'),
  ]);
});
