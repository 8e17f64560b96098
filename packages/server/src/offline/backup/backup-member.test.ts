import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNewestSnapshot, nodeDisk, readWal } from '@kvorum/wal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeEntry, decodeHardState, decodeWalMetadata } from '../../codec/raft-records.ts';
import { silentLogger } from '../../logging/logger.ts';
import { rocksDbFolders } from '../../rocksdb-folders.ts';
import { BoltWriter } from '../../snapshot/bolt-writer.ts';
import { readBolt } from '../../snapshot/testing/bolt-reader.ts';
import { MemoryFile } from '../../snapshot/testing/memory-file.ts';
import type { Progress } from '../progress.ts';
import { type BackedUp, type BackupRequest, backupMember } from './backup-member.ts';

/** Log and snapshots of a member of etcd 3.5.16. */
const REAL = fileURLToPath(new URL('../../../../wal/testdata/etcd-3.5.16', import.meta.url));
const SEGMENT_BYTES = 64 * 1024;
const disk = nodeDisk();

let folder: string;
let dataDir: string;
let backupDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvorum-backup-'));
  dataDir = join(folder, 'data');
  backupDir = join(folder, 'parent/backup');
  cpSync(REAL, join(dataDir, 'member'), { recursive: true });
  writeDatabase({ consistentIndex: 21, keys: 300 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The bytes of a database that has applied entries up to an index. */
function writeDatabase({ consistentIndex = 21, keys = 1 }): void {
  const file = new MemoryFile();
  const writer = new BoltWriter(file);
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(consistentIndex));
  writer.bucket('cluster');
  writer.put(Buffer.from('clusterVersion'), Buffer.from('3.5.0'));
  writer.bucket('key');
  for (let main = 2; main < keys + 2; main++) {
    const revision = Buffer.alloc(17);
    revision.writeBigUInt64BE(BigInt(main));
    revision[8] = 0x5f;
    writer.put(revision, Buffer.alloc(60, 0x20));
  }
  writer.bucket('members');
  writer.put(Buffer.from('1'), Buffer.from('{"id":1,"peerURLs":["http://a:1"]}'));
  writer.bucket('meta');
  writer.put(Buffer.from('confState'), Buffer.from('{"voters":[1],"auto_leave":false}'));
  writer.put(Buffer.from('consistent_index'), number);
  writer.finish();
  writeFileSync(join(dataDir, 'member/snap/db'), file.bytes);
}

interface Overrides extends Partial<BackupRequest> {
  readonly progress?: Progress;
}

function backup({ progress = async () => {}, ...request }: Overrides = {}): Promise<BackedUp> {
  let drawn = 0;
  return backupMember(
    { dataDir, walDir: undefined, backupDir, backupWalDir: undefined, withV3: false, ...request },
    {
      disk,
      engines: rocksDbFolders(),
      logger: silentLogger,
      progress,
      random: () => ++drawn / 16,
      walSegmentBytes: SEGMENT_BYTES,
    },
  );
}

function logOf(walDir: string) {
  const { records, metadata, state } = readWal({ disk, dir: walDir });
  return {
    owner: decodeWalMetadata(metadata),
    state: decodeHardState(state ?? new Uint8Array(0)),
    entries: records.flatMap((record) => {
      return record.type === 'entry' ? [decodeEntry(record.data)] : [];
    }),
    snapshots: records.flatMap((record) => (record.type === 'snapshot' ? [record.index] : [])),
  };
}

function databaseOf(dir: string) {
  return readBolt(Buffer.from(readFile(join(dir, 'member/snap/db'))));
}

function readFile(path: string): Uint8Array {
  const file = disk.open(path);
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes;
}

describe('a backup of a member', () => {
  it('has its snapshot and its entries behind that, under ids that are new', async () => {
    const source = logOf(join(dataDir, 'member/wal'));
    const counts = await backup();
    const copy = logOf(join(backupDir, 'member/wal'));
    const last = source.entries.at(-1)?.index ?? 0;
    expect(counts).toMatchObject({ index: last, entries: last - 21 });
    expect(copy.owner).toEqual({
      clusterId: 0x1000_0000_2000_0000n,
      memberId: 0x3000_0000_4000_0000n,
    });
    expect(copy.state).toEqual({ ...source.state, vote: 0n });
    expect(copy.snapshots).toEqual([0, 21]);
    expect(copy.entries.map(({ index, term }) => [index, term])).toEqual(
      source.entries.filter(({ index }) => index > 21).map(({ index, term }) => [index, term]),
    );
    expect(copy.entries.every(({ type }) => type === 'normal')).toBe(true);

    const snapshot = loadNewestSnapshot({ disk, dir: join(backupDir, 'member/snap') });
    const text = Buffer.from(snapshot?.data ?? []).toString('latin1');
    expect(text).toContain('/0/members/5000000060000000/raftAttributes');
    expect(text).toContain('use-flag--force-new-cluster');
    expect(text.match(/"\/0\/members\/[0-9a-f]+"/g)).toEqual(['"/0/members/5000000060000000"']);
    expect(Object.keys(databaseOf(backupDir))).toEqual([
      'cluster',
      'members',
      'members_removed',
      'meta',
    ]);
  });

  it('has the database when that is asked for, without members', async () => {
    await backup({ withV3: true });
    const { key = [], members = [], cluster, meta = [] } = databaseOf(backupDir);
    expect(key).toEqual(databaseOf(dataDir).key);
    expect(cluster).toEqual([]);
    expect(members.map(([name]) => name)).toEqual(['5000000060000000']);
    const rows = new Map(meta.map(([name, hex]) => [name, Buffer.from(hex, 'hex').toString()]));
    expect(rows.get('confState')).toBe(`{"voters":[${0x5000_0000_6000_0000n}],"auto_leave":false}`);
  });

  it('puts the log where it is told to', async () => {
    const walDir = join(folder, 'logs/wal');
    mkdirSync(walDir, { recursive: true });
    await backup({ backupWalDir: walDir });
    expect(readdirSync(join(folder, 'logs'))).toEqual(['wal']);
    expect(readdirSync(join(backupDir, 'member'))).toEqual(['snap']);
    await backup({ dataDir: backupDir, walDir, backupDir: join(folder, 'second') });
    const [first, second] = [walDir, join(folder, 'second/member/wal')].map(logOf);
    expect(second?.entries).toEqual(first?.entries);
  });

  it('begins anew where a process died', async () => {
    const unfinished = join(backupDir, 'member.backup');
    mkdirSync(join(unfinished, 'wal'), { recursive: true });
    writeFileSync(join(unfinished, 'wal/0.tmp'), 'half of it');
    await backup();
    expect(readdirSync(backupDir)).toEqual(['member']);
  });

  it('leaves nothing when it is given up, and keeps what was there', async () => {
    const stop: Progress = () => Promise.reject(new Error('stopped'));
    for (const withV3 of [false, true]) {
      await expect(backup({ withV3, progress: stop })).rejects.toThrow('stopped');
      expect(readdirSync(folder)).toEqual(['data']);
    }
    mkdirSync(join(backupDir, 'member/photos'), { recursive: true });
    await expect(backup({ progress: stop })).rejects.toThrow('stopped');
    expect(readdirSync(backupDir)).toEqual(['member']);
    expect(readdirSync(join(backupDir, 'member'))).toEqual(['photos']);
  });

  it('is refused where something is in the way', async () => {
    await backup();
    await expect(backup()).rejects.toMatchObject({ code: 'exists' });
    expect(existsSync(`${backupDir}/member.backup`)).toBe(false);
  });

  it('is refused when the log ends before the database does', async () => {
    writeDatabase({ consistentIndex: 1_000 });
    await expect(backup()).rejects.toThrow(/the log ends at index \d+, but the database has/);
    expect(existsSync(backupDir)).toBe(false);
  });

  it.each([
    ['copying', 'whole'],
    ['checking', 'damaged'],
  ] as const)(
    'is refused when the database is written to while %s, and looks %s',
    async (when, _looks) => {
      writeDatabase({ keys: when === 'copying' ? 300 : 20_000 });
      const write: Progress = async (stage, done, total) => {
        if (stage !== when || (stage === 'checking' && done === total)) return;
        writeDatabase({ keys: when === 'copying' ? 600 : 100 });
      };
      const running = backup({ withV3: true, progress: write });
      await expect(running).rejects.toMatchObject({ code: 'running' });
      expect(existsSync(backupDir)).toBe(false);
    },
  );
});
