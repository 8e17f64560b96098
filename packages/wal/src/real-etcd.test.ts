import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeDisk } from './node-disk.ts';
import { loadNewestSnapshot } from './snapshot/snap-file.ts';
import { readWal, Wal } from './wal.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAMS = join(process.env.KVORUM_REAL_ETCD ?? join(ROOT, '.cache/real-etcd'), '3.5');
const PUTS = 30;

const disk = nodeDisk();
const folder = mkdtempSync(join(tmpdir(), 'kvorum-real-etcd-'));
const dir = `${folder}/data/member/wal`;
const run = promisify(execFile);
let member: ChildProcess | null = null;
let endpoint = '';

afterAll(() => {
  member?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function etcdctl(...args: string[]): Promise<string> {
  const { stdout } = await run(`${PROGRAMS}/etcdctl`, ['--endpoints', endpoint, ...args]);
  return stdout;
}

/** Starts the member on new ports and waits until it says that it is ready. */
async function start(): Promise<void> {
  endpoint = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const flags = ['--name=m', `--data-dir=${folder}/data`, '--snapshot-count=20'];
  flags.push(`--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`);
  flags.push(`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`);
  const child = spawn(`${PROGRAMS}/etcd`, [...flags, `--initial-cluster=m=${peer}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  member = child;
  let log = '';
  // Read to the end: a closed pipe would kill the member.
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('ready to serve client requests')) resolve();
    });
    child.once('exit', () => reject(new Error(`etcd ended: ${log}`)));
  });
}

async function kill(): Promise<void> {
  member?.kill('SIGKILL');
  if (member !== null && member.exitCode === null && member.signalCode === null)
    await once(member, 'exit');
  member = null;
}

describe.skipIf(!existsSync(`${PROGRAMS}/etcd`))('with the real etcd', () => {
  it('each reads and continues what the other wrote', async () => {
    await start();
    for (let i = 1; i <= PUTS; i++) await etcdctl('put', `key${i}`, `value ${i}`);
    await kill();

    // What etcd wrote and a kill interrupted.
    const { wal, metadata, records, torn } = Wal.open({ disk, dir });
    wal.close();
    expect(torn).toBeNull();
    const indexes = records.flatMap((record) => (record.type === 'entry' ? [record.index] : []));
    expect(indexes).toEqual(Array.from({ length: indexes.length }, (_, i) => i + 1));
    expect(indexes.length).toBeGreaterThan(PUTS);
    const saved = loadNewestSnapshot({ disk, dir: `${folder}/data/member/snap` });
    expect(records).toContainEqual(
      expect.objectContaining({ type: 'snapshot', index: saved?.index }),
    );

    // The same in many small segments of our own.
    rmSync(dir, { recursive: true });
    const ours = Wal.create({ disk, dir, metadata, segmentBytes: 1024 });
    for (const record of records.slice(1)) ours.append([record]);
    ours.syncNow();
    expect(ours.segments.length).toBeGreaterThan(3);
    ours.close();

    await start();
    expect(await etcdctl('get', `key${PUTS}`, '--print-value-only')).toBe(`value ${PUTS}\n`);
    await etcdctl('put', 'after', 'the change');
    await kill();

    // What etcd appended to our segment.
    const after = readWal({ disk, dir });
    expect(after.torn).toBeNull();
    expect(after.lastIndex).toBeGreaterThan(indexes.length);
    const last = after.records
      .filter((record) => record.type === 'entry')
      .map((record) => Buffer.from(record.data));
    expect(last.some((data) => data.includes('the change'))).toBe(true);
  });
});
