import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { AlarmRequest_AlarmAction, AlarmType, type WatchResponse } from '@kvorum/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { eventually, within } from '../framework/eventually.ts';
import { kvorumProgram, startKvorum, type TestMember } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { type ExitStatus, RunningProgram } from '../framework/process.ts';
import { WatchStream } from '../framework/watch-stream.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvorum-start-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The address of a client port and a peer port that are free, as flags. */
async function addressFlags(): Promise<{ readonly url: string; readonly flags: string[] }> {
  const [client = 0, peer = 0] = await freePorts(2);
  const url = `http://127.0.0.1:${client}`;
  return { url, flags: [...clientFlags(url), `--listen-peer-urls=http://127.0.0.1:${peer}`] };
}

function clientFlags(url: string): string[] {
  return [`--listen-client-urls=${url}`, `--advertise-client-urls=${url}`];
}

type Environment = Readonly<Record<string, string>>;

/** Starts the server with nothing but the given flags and variables; the test disposes of it. */
function spawnServer(flags: readonly string[], env: Environment = {}): Promise<RunningProgram> {
  const { file, args } = kvorumProgram();
  return RunningProgram.start(file, { args: [...args, ...flags], env, lifetimeMs: 60_000 });
}

interface Ending {
  readonly status: ExitStatus;
  readonly stdout: readonly string[];
  /** What stderr has for people: the lines that are no JSON. */
  readonly plain: readonly string[];
  readonly log: readonly LogLine[];
}

/** Runs a server that is not expected to come up. */
async function runToItsEnd(flags: readonly string[], env: Environment = {}): Promise<Ending> {
  await using program = await spawnServer(flags, env);
  const status = await within('the exit', program.exited, 30_000);
  const plain = program.stderr.lines.filter((line) => !line.startsWith('{'));
  return { status, stdout: program.stdout.lines, plain, log: logOf(program) };
}

type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

function logOf(program: RunningProgram): LogLine[] {
  const lines = program.stderr.lines.filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as LogLine);
}

/** The log's line with that message; fails when there is none. */
function logLine(program: RunningProgram, message: string): LogLine {
  const found = logOf(program).find((line) => line.msg === message);
  if (found === undefined) throw new Error(`no "${message}" in:\n${program.stderr.text}`);
  return found;
}

async function put(member: TestMember, key: string, value: string): Promise<void> {
  using client = new TestClient(member.url);
  await client.kv.put({ key: bytes(key), value: bytes(value) });
}

async function get(member: TestMember, key: string): Promise<string | undefined> {
  using client = new TestClient(member.url);
  const { kvs } = await client.kv.range({ key: bytes(key) });
  return kvs[0] === undefined ? undefined : text(kvs[0].value);
}

const exitedWith = (code: number): ExitStatus => ({ code, signal: null });

describe('a server that cannot start', () => {
  it('says that its port is taken, and takes nothing from who has it', async () => {
    await using member = await startKvorum({ flags: ['--kvorum-engine=memory'] });
    const dataDir = join(folder, 'port-taken');
    const [peer = 0] = await freePorts(1);
    const listenPeer = `--listen-peer-urls=http://127.0.0.1:${peer}`;
    const { status, plain, log } = await runToItsEnd([
      `--data-dir=${dataDir}`,
      listenPeer,
      ...clientFlags(member.url),
    ]);
    expect(status).toEqual(exitedWith(1));
    const reason = `cannot listen on ${member.url}: the address is in use`;
    expect(plain).toEqual([expect.stringContaining(`kvorum: ${reason}`)]);
    expect(log.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'failed to start etcd',
      error: expect.stringContaining(reason),
    });
    await put(member, 'k', 'v');
    expect(await get(member, 'k')).toBe('v');
  });

  it('names the process that uses its data folder, and disturbs it not', async () => {
    await using member = await startKvorum();
    const { flags } = await addressFlags();
    const { status, plain } = await runToItsEnd([`--data-dir=${member.dataDir}`, ...flags]);
    expect(status).toEqual(exitedWith(1));
    const lock = join(member.dataDir, 'member/lock');
    expect(plain).toEqual([`kvorum: ${lock}: locked by process ${member.process.pid}`]);
    await put(member, 'k', 'v');
    await member.kill();
    await member.restart();
    expect(await get(member, 'k')).toBe('v');
  });

  it('suggests a flag for one that it does not know', async () => {
    const { status, stdout, plain } = await runToItsEnd(['--listen-client-url=http://x:1']);
    expect(status).toEqual(exitedWith(2));
    expect(stdout).toEqual([]);
    expect(plain.slice(0, 3)).toEqual([
      'flag provided but not defined: -listen-client-url',
      'Did you mean --listen-client-urls?',
      'Usage:',
    ]);
  });

  it.each([
    [['--name=x'], { ETCD_NAME: 'y' }, 'conflicting environment variable is shadowed'],
    [[], { ETCD_ELECTION_TIMEOUT: 'soon' }, 'invalid value "soon" for ETCD_ELECTION_TIMEOUT'],
    [['--config-file=/nonexistent.yml'], {}, 'cannot read the configuration file'],
    [['serve'], {}, '"serve" is not a valid flag'],
  ] as [string[], Environment, string][])('refuses %j with %j', async (flags, env, message) => {
    const { status, plain, log } = await runToItsEnd(flags, env);
    expect(status).toEqual(exitedWith(1));
    expect(plain).toEqual([expect.stringContaining(`kvorum: ${message}`)]);
    expect(log).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: 'failed to verify flags',
        error: expect.stringContaining(message),
      }),
    ]);
  });

  it('tells its version without starting anything', async () => {
    const { status, stdout, plain } = await runToItsEnd(['--version']);
    expect([status, plain]).toEqual([exitedWith(0), []]);
    expect(stdout[0]).toBe('etcd Version: 3.7.1');
    expect(stdout[1]).toMatch(/^Kvorum Version: \d+\.\d+\.\d+/);
    expect(stdout).toHaveLength(4);
  });
});

describe('where settings come from', () => {
  /** Resolves once the server is up and answers with the name of its member. */
  async function memberName(program: RunningProgram, url: string): Promise<string> {
    await program.stderr.line(/ready to serve client requests/, 30_000);
    using client = new TestClient(url);
    const { members } = await client.cluster.memberList({});
    return members.map((member) => member.name).join();
  }

  it('may be a YAML file, which outdoes flags and environment', async () => {
    const [client = 0, peer = 0] = await freePorts(2);
    const url = `http://127.0.0.1:${client}`;
    const path = join(folder, 'etcd.yml');
    const settings = [
      'name: from-file',
      `data-dir: ${join(folder, 'from-file')}`,
      `listen-client-urls: ${url}`,
      `advertise-client-urls: ${url}`,
      `listen-peer-urls: http://127.0.0.1:${peer}`,
      'initial-cluster: from-file=http://localhost:2380',
      'max-txn-ops: 1',
      'log-level: info',
    ];
    await writeFile(path, `${settings.join('\n')}\n`);
    const flags = [`--config-file=${path}`, '--name=from-flag'];
    await using program = await spawnServer(flags, { ETCD_MAX_TXN_OPS: '500' });
    expect(await memberName(program, url)).toBe('from-file');
    const loaded =
      'loaded server configuration, other configuration command line flags and environment ' +
      'variables will be ignored if provided';
    expect(logLine(program, loaded)).toMatchObject({ path });
    using etcd = new TestClient(url);
    const op = { request: { case: 'requestRange' as const, value: { key: bytes('k') } } };
    await expect(etcd.kv.txn({ success: [op, op] })).rejects.toMatchObject({
      rawMessage: 'etcdserver: too many operations in txn request',
    });
  });

  it('may be the environment', async () => {
    const { url, flags } = await addressFlags();
    const env = {
      ETCD_NAME: 'from-environment',
      ETCD_DATA_DIR: join(folder, 'from-environment'),
      ETCD_INITIAL_CLUSTER: 'from-environment=http://localhost:2380',
      ETCD_NO_SUCH_FLAG: '1',
    };
    await using program = await spawnServer(flags, env);
    expect(await memberName(program, url)).toBe('from-environment');
    const used = logOf(program).filter(
      (line) => line.msg === 'recognized and used environment variable',
    );
    expect(used.map((line) => line['variable-name']).sort()).toEqual([
      'ETCD_DATA_DIR',
      'ETCD_INITIAL_CLUSTER',
      'ETCD_NAME',
    ]);
    expect(logLine(program, 'unrecognized environment variable')).toMatchObject({
      level: 'warn',
      'environment-variable': 'ETCD_NO_SUCH_FLAG',
    });
  });
});

describe('a stop by signal', () => {
  it.each([
    ['SIGTERM', 'terminated'],
    ['SIGINT', 'interrupt'],
  ] as [NodeJS.Signals, string][])(
    'on %s is quick and tells the open watches',
    async (signal, name) => {
      await using member = await startKvorum();
      using client = new TestClient(member.url);
      const received: WatchResponse[] = [];
      const watch = new WatchStream(client, (response) => received.push(response));
      watch.send({ case: 'createRequest', value: { key: bytes('k') } });
      await eventually('the watch', () => received.length > 0);
      await client.kv.put({ key: bytes('k'), value: bytes('v') });
      await eventually('the event', () => received.length > 1);

      expect(await member.process.stop(signal, 3000)).toEqual(exitedWith(0));
      expect(ConnectError.from(await watch.ended).code).toBe(Code.Unavailable);
      expect(logLine(member.process, 'received signal; shutting down').signal).toBe(name);
      const messages = logOf(member.process).map((line) => line.msg);
      expect(messages.slice(-2)).toEqual(['closing etcd server', 'closed etcd server']);
    },
  );

  it('leaves data, revision and identity for the next start', async () => {
    await using member = await startKvorum();
    using before = new TestClient(member.url);
    await before.kv.put({ key: bytes('a'), value: bytes('1') });
    await before.kv.put({ key: bytes('a'), value: bytes('2') });
    const last = await before.kv.put({ key: bytes('b'), value: bytes('3') });
    await member.stop();
    await member.restart();
    using after = new TestClient(member.url);
    const all = await after.kv.range({ key: bytes('\0'), rangeEnd: bytes('\0') });
    expect(all.kvs.map((pair) => [text(pair.key), text(pair.value), pair.version])).toEqual([
      ['a', '2', 2n],
      ['b', '3', 1n],
    ]);
    const { clusterId, memberId, revision } = all.header ?? {};
    expect(revision).toBe(4n);
    expect([clusterId, memberId]).toEqual([last.header?.clusterId, last.header?.memberId]);
    const past = await after.kv.range({ key: bytes('a'), revision: 2n });
    expect(text(past.kvs[0]?.value)).toBe('1');
  });
});

describe('the log of a server', () => {
  it('has the lines that scripts and supervisors wait for', async () => {
    await using member = await startKvorum();
    const { process } = member;
    await process.stderr.line(/serving client traffic insecurely/);
    const id = '[0-9a-f]{15,16}';
    const messages = logOf(process).map((line) => line.msg);
    for (const pattern of [
      `^${id} is starting a new election at term 1$`,
      `^${id} became leader at term 2$`,
      `^raft\\.node: (${id}) elected leader \\1 at term 2$`,
      '^ready to serve client requests$',
    ]) {
      const fitting = messages.filter((message) => new RegExp(pattern).test(message));
      expect(fitting, pattern).toHaveLength(1);
    }
    expect(logLine(process, 'enabled capabilities for version')).toMatchObject({
      'cluster-version': '3.7',
    });
    const insecurely = 'serving client traffic insecurely; this is strongly discouraged!';
    expect(logLine(process, insecurely)).toMatchObject({ address: member.endpoint });
    for (const line of logOf(process)) {
      expect(line.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(Object.keys(line).slice(0, 4)).toEqual(['level', 'ts', 'caller', 'msg']);
    }
  });
});

describe('a write-ahead log', () => {
  /** What a disk writes whole or not at all. */
  const SECTOR_BYTES = 512;

  /** The only segment of a member, by path. */
  async function segmentOf(member: TestMember): Promise<string> {
    const wal = join(member.dataDir, 'member/wal');
    const segments = (await readdir(wal)).filter((name) => name.endsWith('.wal'));
    expect(segments).toHaveLength(1);
    return join(wal, segments[0] ?? '');
  }

  async function overwrite(path: string, offset: number, change: Uint8Array): Promise<void> {
    await using file = await open(path, 'r+');
    await file.write(change, 0, change.length, offset);
  }

  /** Where the written part of a segment ends: frames begin at multiples of 8. */
  async function endOf(segment: string): Promise<number> {
    const content = await readFile(segment);
    const used = content.findLastIndex((byte) => byte !== 0) + 1;
    return used + ((8 - (used % 8)) % 8);
  }

  it('that is damaged in the middle is refused and left as it is', async () => {
    await using member = await startKvorum();
    await put(member, 'victim', 'x'.repeat(2000));
    await put(member, 'after', 'y');
    await member.kill();
    const segment = await segmentOf(member);
    const middle = (await readFile(segment)).indexOf('x'.repeat(2000)) + 1000;
    await overwrite(segment, middle, bytes('?'));
    const damaged = await readFile(segment);

    await member.respawn();
    expect(await within('the exit', member.process.exited, 30_000)).toEqual(exitedWith(1));
    const last = member.process.stderr.lines.at(-1) ?? '';
    const [, path, offset] = /^kvorum: (\S+): offset (\d+): \S/.exec(last) ?? [];
    expect(path).toBe(segment);
    // The offset is that of the record with the damage.
    expect(Number(offset)).toBeLessThan(middle);
    expect(Number(offset)).toBeGreaterThan(middle - 1200);
    expect((await readFile(segment)).equals(damaged)).toBe(true);

    await overwrite(segment, middle, bytes('x'));
    await member.restart();
    expect(await get(member, 'victim')).toBe('x'.repeat(2000));
  });

  it('that a crash cut short is repaired, which is logged', async () => {
    await using member = await startKvorum();
    await put(member, 'k', 'acknowledged');
    await member.kill();
    const segment = await segmentOf(member);
    const end = await endOf(segment);
    // An entry (type 2) of 2000 bytes, of which what lies in the first sector reached the disk.
    const entry = Buffer.alloc(SECTOR_BYTES - (end % SECTOR_BYTES), 'x');
    entry.set([0xd0, 7, 0, 0, 0, 0, 0, 0, 8, 2, 16, 7, 0x1a, 0xc9, 0xf]);
    await overwrite(segment, end, entry);

    await member.restart();
    expect(logLine(member.process, 'repaired WAL')).toMatchObject({
      level: 'warn',
      path: segment,
      offset: end,
      error: expect.any(String),
    });
    expect(await get(member, 'k')).toBe('acknowledged');
    await put(member, 'k', 'more');
    await member.kill();
    await member.restart();
    expect(await get(member, 'k')).toBe('more');
    expect(logOf(member.process).map((line) => line.msg)).not.toContain('repaired WAL');
  });
});

describe('a lease', () => {
  const TTL_SECONDS = 5;

  /** Restarts a member in the second half of a lease's life; returns what the lease has left then, and when it ended. */
  async function livesThrough(end: 'stop' | 'kill', waitUntilLeft: bigint) {
    await using member = await startKvorum();
    const grantedAtMs = performance.now();
    let id: bigint;
    {
      using client = new TestClient(member.url);
      id = (await client.lease.leaseGrant({ TTL: BigInt(TTL_SECONDS) })).ID;
      await client.kv.put({ key: bytes('k'), value: bytes('v'), lease: id });
      await eventually('half the time', async () => {
        const { TTL } = await client.lease.leaseTimeToLive({ ID: id });
        return TTL <= waitUntilLeft;
      });
    }
    await member[end]();
    await member.restart();
    using client = new TestClient(member.url);
    const { TTL, grantedTTL, keys } = await client.lease.leaseTimeToLive({ ID: id, keys: true });
    await eventually('the expiry', async () => {
      const { count } = await client.kv.range({ key: bytes('k') });
      return count === 0n;
    });
    const livedMs = performance.now() - grantedAtMs;
    return { left: Number(TTL), grantedTTL, keys: keys.map(text), livedMs };
  }

  it('goes on with what it had left after a stop in good order', async () => {
    // The stop notes what is left, although no checkpoint is due yet.
    const { left, grantedTTL, keys, livedMs } = await livesThrough('stop', 3n);
    expect([grantedTTL, keys]).toEqual([BigInt(TTL_SECONDS), ['k']]);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(4);
    expect(livedMs).toBeGreaterThanOrEqual(TTL_SECONDS * 1000);
  });

  it('goes on from its checkpoint after a crash past 40 % of its time', async () => {
    // The checkpoint at 40 % says 3 seconds; one that was lost would say 5.
    const { left, grantedTTL, keys, livedMs } = await livesThrough('kill', 1n);
    expect([grantedTTL, keys]).toEqual([BigInt(TTL_SECONDS), ['k']]);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(3);
    expect(livedMs).toBeGreaterThanOrEqual(TTL_SECONDS * 1000);
  });
});

describe('a store over its quota', () => {
  const noSpace = {
    code: Code.ResourceExhausted,
    rawMessage: 'etcdserver: mvcc: database space exceeded',
  };

  /** Puts until the quota refuses one; returns how many were accepted. */
  async function fill(client: TestClient): Promise<number> {
    for (let count = 0; count < 200; count++) {
      const put = client.kv.put({ key: bytes(`fill/${count}`), value: new Uint8Array(100_000) });
      const refusal = await put.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refusal === undefined) continue;
      expect(refusal).toMatchObject(noSpace);
      return count;
    }
    throw new Error('200 puts of 100 kB fit into the quota');
  }

  function alarms(client: TestClient, action: AlarmRequest_AlarmAction, memberID = 0n) {
    return client.maintenance.alarm({ action, memberID, alarm: AlarmType.NOSPACE });
  }

  it('refuses what grows it, serves the rest, and recovers', async () => {
    const dataDir = join(folder, 'quota');
    const quota = '--quota-backend-bytes=2000000';
    let alarmed: bigint;
    {
      await using member = await startKvorum({ dataDir, flags: [quota] });
      using client = new TestClient(member.url);
      expect(await fill(client)).toBeGreaterThan(5);
      await eventually('the alarm', async () => {
        const { alarms: raised } = await alarms(client, AlarmRequest_AlarmAction.GET);
        return raised.length === 1;
      });
      const { alarms: raised } = await alarms(client, AlarmRequest_AlarmAction.GET);
      const { memberId } = (await client.maintenance.status({})).header ?? {};
      expect(raised.map(({ memberID, alarm }) => [memberID, alarm])).toEqual([
        [memberId, AlarmType.NOSPACE],
      ]);
      alarmed = memberId ?? 0n;
      // However small, and though it replaces something.
      const small = client.kv.put({ key: bytes('fill/0'), value: bytes('x') });
      await expect(small).rejects.toMatchObject(noSpace);
      await expect(client.lease.leaseGrant({ TTL: 60n })).rejects.toMatchObject(noSpace);
      const { kvs } = await client.kv.range({ key: bytes('fill/1') });
      expect(kvs[0]?.value).toHaveLength(100_000);
      expect((await client.kv.deleteRange({ key: bytes('fill/1') })).deleted).toBe(1n);
      const health = await fetch(`${member.url}/health`);
      expect([health.status, await health.text()]).toEqual([
        503,
        '{"health":"false","reason":"ALARM NOSPACE"}\n',
      ]);
      expect((await client.maintenance.status({})).errors).toEqual([
        expect.stringContaining('NOSPACE'),
      ]);
      await member.stop();
    }
    await using member = await startKvorum({ dataDir });
    using client = new TestClient(member.url);
    const refused = client.kv.put({ key: bytes('k'), value: bytes('x') });
    await expect(refused).rejects.toMatchObject(noSpace);
    const disarmed = await alarms(client, AlarmRequest_AlarmAction.DEACTIVATE, alarmed);
    expect(disarmed.alarms).toHaveLength(1);
    expect((await alarms(client, AlarmRequest_AlarmAction.GET)).alarms).toEqual([]);
    await client.kv.put({ key: bytes('k'), value: bytes('x') });
    expect((await fetch(`${member.url}/health`)).status).toBe(200);
  });
});
