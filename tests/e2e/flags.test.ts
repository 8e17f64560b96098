import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import {
  etcdProgram,
  kvorumProgram,
  type ServerProgram,
  startKvorum,
} from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { type ExitStatus, RunningProgram } from '../framework/process.ts';
import { realEtcd } from '../framework/real-etcd.ts';

const real = realEtcd('3.5');
const servers: readonly (readonly [string, ServerProgram])[] = [
  ['Kvorum', kvorumProgram()],
  ...(real === undefined ? [] : ([['the real etcd', etcdProgram(real)]] as const)),
];

const bytes = (text: string) => Buffer.from(text);

type Environment = Readonly<Record<string, string>>;

/** Starts a server with just these flags and this environment. */
function run(program: ServerProgram, flags: readonly string[], env: Environment = {}) {
  const args = [...program.args, ...flags];
  return RunningProgram.start(program.file, { args, env, lifetimeMs: 60_000 });
}

/** What a server says that does not start. */
async function refusal(
  program: ServerProgram,
  flags: readonly string[],
  env: Environment = {},
): Promise<ExitStatus & { readonly said: string }> {
  await using folder = await temporaryFolder();
  await using server = await run(program, [`--data-dir=${folder.path}/data`, ...flags], env);
  const status = await server.exited;
  return { ...status, said: server.stderr.text };
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'kvorum-flags-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Address flags on free ports, as a configuration has them. */
async function addresses() {
  const [clientPort, peerPort] = await freePorts(2);
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  return {
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
  };
}

const flagsOf = (settings: Environment) => {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
};

const variablesOf = (settings: Environment) => {
  const name = (flag: string) => `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
  return Object.fromEntries(Object.entries(settings).map(([flag, value]) => [name(flag), value]));
};

async function memberName(url: string): Promise<string | undefined> {
  using client = new TestClient(url);
  const { members } = await client.cluster.memberList({});
  return members[0]?.name;
}

// What Kvorum says may be longer, but it has the words of the real etcd, which gets the same flags here.
describe.each(servers)('%s', (_, program) => {
  it.each([
    [2, '--no-such-flag=1', 'flag provided but not defined: -no-such-flag'],
    [2, '--heartbeat-interval=abc', 'invalid value "abc" for flag -heartbeat-interval'],
    [2, '--initial-cluster-state=perhaps', 'invalid value "perhaps" for flag'],
    [1, 'stray', 'is not a valid flag'],
    [1, '--election-timeout=200', 'should be at least as 5 times as --heartbeat-interval[100ms]'],
    [1, '--election-timeout=60000', 'is too long, and should be set less than 50000ms'],
    [1, '--listen-client-urls=http://example.org:1', 'expected IP in URL for binding'],
    [1, '--listen-client-urls=http://127.0.0.1:1', '--advertise-client-urls is required when'],
    [1, '--initial-cluster=n=http://localhost:1', String.raw`find local name \"default\" in`],
    [1, '--auto-compaction-mode=monthly', String.raw`unknown auto-compaction-mode \"monthly\"`],
    [1, '--config-file=/no/such/file', 'no such file or directory'],
  ])('ends with %i when given %s, and says why', async (code, flag, words) => {
    const { code: ended, said } = await refusal(program, [flag]);
    expect(said).toContain(words);
    expect(ended).toBe(code);
  });

  it('ends when a flag and its variable are both set', async () => {
    const { code, said } = await refusal(program, ['--name=a'], { ETCD_NAME: 'b' });
    expect(said).toContain('conflicting environment variable is shadowed by');
    expect(said).toContain('ETCD_NAME');
    expect(code).toBe(1);
  });

  it('ends when its client address is taken', async () => {
    await using other = await startKvorum();
    const settings = { ...(await addresses()), 'listen-client-urls': other.url };
    const name = `--initial-cluster=default=${settings['initial-advertise-peer-urls']}`;
    const { code, said } = await refusal(program, [...flagsOf(settings), name]);
    expect(said).toMatch(/address (is|already) in use/i);
    expect(said).toContain(other.endpoint);
    expect(code).toBe(1);
  });

  it('is configured by the environment', async () => {
    await using folder = await temporaryFolder();
    const settings = { ...(await addresses()), name: 'enviro', 'data-dir': `${folder.path}/data` };
    const cluster = `enviro=${settings['initial-advertise-peer-urls']}`;
    const env = variablesOf({ ...settings, 'initial-cluster': cluster });
    await using server = await run(program, [], env);
    await server.stderr.line(/ready to serve client requests/, 30_000);
    expect(await memberName(settings['listen-client-urls'])).toBe('enviro');
  });

  it('is configured by a file, which flags and environment do not change', async () => {
    await using folder = await temporaryFolder();
    const settings = { ...(await addresses()), name: 'filed', 'data-dir': `${folder.path}/data` };
    const cluster = `filed=${settings['initial-advertise-peer-urls']}`;
    const lines = Object.entries({ ...settings, 'initial-cluster': cluster }).map(
      ([key, value]) => `${key}: ${value}`,
    );
    const file = join(folder.path, 'etcd.yml');
    await writeFile(file, `${lines.join('\n')}\nmax-txn-ops: 2\nno-such-key: ignored\n`);
    const flags = [`--config-file=${file}`, '--name=flagged'];
    await using server = await run(program, flags, { ETCD_MAX_TXN_OPS: '9' });
    await server.stderr.line(/ready to serve client requests/, 30_000);

    const url = settings['listen-client-urls'];
    expect(await memberName(url)).toBe('filed');
    using client = new TestClient(url);
    const compare = Array.from({ length: 3 }, () => ({ key: bytes('a') }));
    await expect(client.kv.txn({ compare })).rejects.toMatchObject({
      rawMessage: 'etcdserver: too many operations in txn request',
    });
  });
});
