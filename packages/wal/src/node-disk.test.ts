import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WalError } from './errors.ts';
import { nodeDisk } from './node-disk.ts';
import { entryOf, snapshotOf, stateOf } from './testing/records.ts';
import { readWal, Wal } from './wal.ts';

const METADATA = Uint8Array.of(8, 1);
const SEGMENT_BYTES = 8192;

let folder: string;
let dir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvorum-wal-'));
  dir = `${folder}/member/wal`;
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function create(): Wal {
  return Wal.create({ disk: nodeDisk(), dir, metadata: METADATA, segmentBytes: SEGMENT_BYTES });
}

function open(snapshotIndex = 0): ReturnType<typeof Wal.open> {
  return Wal.open({ disk: nodeDisk(), dir, segmentBytes: SEGMENT_BYTES, snapshotIndex });
}

/** Another process that opens the log and says so, then does nothing. */
async function openElsewhere(): Promise<ChildProcess> {
  const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    const { Wal } = await import(${url('./wal.ts')});
    const { nodeDisk } = await import(${url('./node-disk.ts')});
    Wal.open({ disk: nodeDisk(), dir: process.argv[1], segmentBytes: ${SEGMENT_BYTES} });
    console.log('open');
    process.stdin.resume();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  if (child.stdout === null) throw new Error('stdout is a pipe');
  await once(child.stdout, 'data');
  return child;
}

function errorOf(action: () => unknown): WalError {
  try {
    action();
  } catch (error) {
    return error as WalError;
  }
  throw new Error('no error was thrown');
}

describe('a log on the real disk', () => {
  it('keeps what was synced, over cuts and releases', async () => {
    const wal = create();
    for (let index = 1; index <= 60; index++) {
      wal.append([entryOf(index, new Uint8Array(500).fill(index)), stateOf(Uint8Array.of(index))]);
      if (index % 2 === 0) await wal.sync();
      else wal.syncNow();
      wal.prepareNext(2048);
    }
    wal.append([snapshotOf(40)]);
    expect(wal.release(40)).toBeGreaterThan(0);
    expect(wal.unsyncedBytes).toBeGreaterThan(0);
    wal.close();

    const { wal: again, records, state, lastIndex, torn } = open(40);
    const indexes = records.flatMap((record) => (record.type === 'entry' ? [record.index] : []));
    expect(indexes.at(0)).toBeLessThanOrEqual(41);
    expect(indexes.at(-1)).toBe(60);
    expect([state, lastIndex, torn]).toEqual([Uint8Array.of(60), 60, null]);
    again.close();
  });

  it('makes folders and files that only the owner may read', () => {
    create().close();
    const modes = [dir, `${dir}.lock`, `${dir}/0000000000000000-0000000000000000.wal`].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  it('is not created twice', () => {
    create().close();
    expect(errorOf(create).code).toBe('exists');
  });

  it('is created over what an interrupted creation left', () => {
    const disk = nodeDisk();
    disk.mkdir(`${dir}.tmp`);
    disk.open(`${dir}.tmp/rest`, { create: true }).close();
    create().close();
    expect(disk.list(dir)).toEqual(['0000000000000000-0000000000000000.wal']);
  });

  it('is missing where there is none', () => {
    expect(errorOf(() => open()).code).toBe('missing');
    expect(errorOf(() => readWal({ disk: nodeDisk(), dir })).code).toBe('missing');
  });

  it('says what the disk said when it cannot be made', () => {
    const file = `${folder}/file`;
    nodeDisk().open(file, { create: true }).close();
    const options = { disk: nodeDisk(), dir: `${file}/wal`, metadata: METADATA };
    const error = errorOf(() => Wal.create(options));
    expect(error.code).toBe('io');
    expect(error.message).toContain('EEXIST');
  });
});

describe('the lock', () => {
  it('keeps out a second opening in the same process', () => {
    const wal = create();
    expect(errorOf(() => open()).message).toBe(`${dir}.lock: locked by this process already`);
    expect(errorOf(() => open()).code).toBe('locked');
    // The refused attempts did not loosen the first one's lock.
    wal.close();
    open().wal.close();
  });

  it('keeps out another process and names it, until that one is killed', async () => {
    create().close();
    const child = await openElsewhere();
    const error = errorOf(() => open());
    expect(error.code).toBe('locked');
    const owner = process.platform === 'linux' ? `process ${child.pid}` : 'another process';
    expect(error.message).toBe(`${dir}.lock: locked by ${owner}`);
    // Reading needs no lock.
    expect(readWal({ disk: nodeDisk(), dir }).lastIndex).toBe(0);

    child.kill('SIGKILL');
    await once(child, 'exit');
    open().wal.close();
  });

  it('is held against another process also after a refused attempt here', async () => {
    const wal = create();
    expect(errorOf(() => open()).code).toBe('locked');
    const script = `
      const { lockFile } = await import(${JSON.stringify(new URL('./node-lock.ts', import.meta.url).href)});
      try { lockFile(process.argv[1]); console.log('taken'); } catch (error) { console.log(error.code); }
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, `${dir}.lock`]);
    children.push(child);
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString()).toBe('locked\n');
    wal.close();
  });
});
