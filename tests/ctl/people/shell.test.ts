import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKvctl } from '../in-process.ts';
import { testServer } from './server.ts';
import { hasPython, kvctlTerminal } from './terminal.ts';

const server = testServer();

it('a file of commands runs as if each had been typed, and its last code counts', async () => {
  const input = [
    '# a comment',
    'put "a key" \'a "value"\'',
    'kvctl get \\',
    '  "a key"',
    'nosuch',
    'get nothing',
  ].join('\n');
  const result = await server.kvctl('shell', { input });
  expect(result.stdout).toBe('OK\na key\na "value"\n');
  expect(result.stderr).toMatch(/^Error: unknown command "nosuch"/);
  expect(result.exitCode).toBe(0);
  const failing = await server.kvctl('shell', { input: 'get\nexit\nput never run' });
  expect([failing.exitCode, failing.stdout]).toEqual([128, '']);
});

it('global options of the shell are those of its commands', async () => {
  const result = await runKvctl({
    args: ['--endpoints', server.member.endpoint, 'shell', '--hex'],
    input: 'put h v\nget h\n',
  });
  expect(result.stdout).toBe('OK\n\\x68\n\\x76\n');
});

describe.skipIf(!hasPython)('on a terminal', () => {
  const terminal = kvctlTerminal();
  let state = '';

  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), 'kvctl-state-'));
    await server.client.kv.put({
      key: Buffer.from('terminal/longname'),
      value: Buffer.from('found it'),
    });
  });
  afterAll(async () => {
    await rm(state, { recursive: true, force: true });
  });

  const env = () => ({
    ETCDCTL_ENDPOINTS: server.member.endpoint,
    XDG_STATE_HOME: state,
  });

  it('completes keys, goes on over lines, and keeps a history', async () => {
    const first = await terminal.run(
      ['shell'],
      [
        { expect: 'kvctl> ' },
        { send: 'get term\t' },
        { expect: 'terminal/' },
        { send: 'l\t' },
        { expect: 'longname' },
        { send: '\r' },
        { expect: 'found it' },
        { expect: 'kvctl> ' },
        { send: "put multi 'one\r" },
        { expect: '     > ' },
        { send: "two'\r" },
        { expect: 'OK' },
        { expect: 'kvctl> ' },
        { send: 'put half\x03' },
        { expect: '\\^C' },
        { expect: 'kvctl> ' },
        { send: '\x04' },
      ],
      env(),
    );
    expect(first).toMatchObject({ exitCode: 0 });
    expect((await server.kvctl('get multi --print-value-only')).stdout).toBe('one\ntwo\n');
    const history = await readFile(join(state, 'kvctl/history'), 'utf8');
    expect(history.split('\n')[0]).toBe('get terminal/longname ');
    const second = await terminal.run(
      ['shell'],
      [
        { expect: 'kvctl> ' },
        { send: '\x1b[A\r' },
        { expect: 'found it' },
        { expect: 'kvctl> ' },
        { send: 'exit\r' },
      ],
      env(),
    );
    expect(second).toMatchObject({ exitCode: 0 });
  });

  it('colours and tables are for terminals that want them', async () => {
    const coloured = await terminal.run(['doctor', '--sample=1ms'], [], env());
    expect(coloured.shown).toContain('\x1b[1mMembers');
    const plain = await terminal.run(['doctor', '--sample=1ms'], [], { ...env(), NO_COLOR: '1' });
    expect(plain.shown).not.toContain('\x1b[');
    expect(plain.shown).toContain('Members');
  });
});
