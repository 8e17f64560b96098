import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryEngine } from '@kvorum/mvcc';
import { nodeDisk } from '@kvorum/wal';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { ConfigError } from '../config/config-error.ts';
import type { EngineFolders } from '../engine-folders.ts';
import { silentLogger } from '../logging/logger.ts';
import { memberIdOf } from '../membership/ids.ts';
import { nodeEngines } from '../node-engines.ts';
import { rocksDbFolders } from '../rocksdb-folders.ts';
import { DatabaseFileError } from '../snapshot/database-file-error.ts';
import { damage } from '../snapshot/testing/damage.ts';
import { openStorage } from '../storage.ts';
import { defragment } from './defragment.ts';
import { hashKv } from './hash-kv.ts';
import { OfflineError } from './offline-error.ts';
import type { Progress } from './progress.ts';
import { type Restored, type RestoreRequest, restoreSnapshot } from './restore-snapshot.ts';
import { readSnapshot } from './snapshot-file.ts';
import { openStore, snapshotOf, withHash } from './testing/snapshot-of.ts';

const PEER = 'http://127.0.0.1:2380';
const SEGMENT_BYTES = 64 * 1024;
const noProgress: Progress = async () => {};
const disk = nodeDisk();

/** Engines in memory, whose folders are on disk all the same: cheap, and what is left behind shows. */
const inMemory: EngineFolders = nodeEngines(async (path) => {
  mkdirSync(path, { recursive: true });
  return new MemoryEngine();
});

let folder: string;
let snapshot: Buffer;

beforeAll(async () => {
  snapshot = await snapshotOf({ keys: 300 });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvorum-offline-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Overrides extends Partial<RestoreRequest> {
  readonly bytes?: Uint8Array;
  readonly engines?: EngineFolders;
  readonly progress?: Progress;
}

/** Restores into `<folder>/parent/data`. */
function restore(overrides: Overrides = {}): Promise<Restored> {
  const { bytes = snapshot, engines = inMemory, progress = noProgress, ...request } = overrides;
  const path = join(folder, 'snapshot.db');
  writeFileSync(path, bytes);
  return restoreSnapshot(
    {
      path,
      dataDir: join(folder, 'parent/data'),
      walDir: undefined,
      name: 'm1',
      initialCluster: `m1=${PEER}`,
      initialClusterToken: 'etcd-cluster',
      initialAdvertisePeerUrls: PEER,
      skipHashCheck: false,
      bumpRevision: 0,
      markCompacted: false,
      withoutAuth: false,
      ...request,
    },
    { disk, engines, logger: silentLogger, progress, walSegmentBytes: SEGMENT_BYTES },
  );
}

/** What is in the folder beside the snapshot. */
function leftBehind(): string[] {
  return readdirSync(folder).filter((name) => name !== 'snapshot.db');
}

describe('a restored data folder', () => {
  it('is one that a member starts on, with keys, leases, auth and its new cluster', async () => {
    const { revision } = (await readSnapshotOf(snapshot)).status;
    const restored = await restore({
      engines: rocksDbFolders(),
      initialCluster: `m2=http://127.0.0.1:2381,m1=${PEER}`,
    });
    expect(restored).toMatchObject({ revision, compactRevision: 10, leases: 2, users: 2 });
    const storage = await openStorage({
      disk,
      clock: systemClock,
      dataDir: join(folder, 'parent/data'),
      walDir: undefined,
      inMemory: false,
      engines: rocksDbFolders(),
      cacheBytes: 1 << 20,
      unsafeNoFsync: false,
      walSegmentBytes: SEGMENT_BYTES,
      compactionBatchLimit: 1000,
      keepEntries: 10,
      founder: { memberId: 1n, clusterId: 1n },
    });
    try {
      const { memberId, clusterId, members } = restored.cluster;
      expect(memberId).toBe(memberIdOf([PEER], 'etcd-cluster'));
      expect(storage.log.owner).toEqual({ memberId, clusterId });
      const voters = members.map(({ id }) => id);
      expect(storage.applied).toMatchObject({ index: 2, term: 1, confState: { voters } });
      expect(storage.log.memory.lastIndex()).toBe(2);
      expect(storage.store.leaseKeys(11n).length).toBeGreaterThan(10);
    } finally {
      await storage.close();
    }
    const dataDir = join(folder, 'parent/data');
    const tools = { disk, engines: rocksDbFolders() };
    const ask = (path: string) =>
      hashKv({ path, revision: 0, scratchDir: folder }, tools, noProgress);
    expect(await ask(dataDir)).toEqual(await ask(join(folder, 'snapshot.db')));
    expect((await defragment(dataDir, tools)).afterBytes).toBeGreaterThan(0);
    expect(leftBehind()).toEqual(['parent']);
  });

  it('has its log elsewhere with --wal-dir', async () => {
    const walDir = join(folder, 'logs/of/m1');
    await restore({ walDir });
    expect(readdirSync(walDir)).toEqual(['0000000000000000-0000000000000000.wal']);
    expect(readdirSync(join(folder, 'logs/of'))).toEqual(['m1']);
    expect(readdirSync(join(folder, 'parent/data/member'))).not.toContain('wal');
  });

  it('is at a higher revision, all of it compacted, when told to', async () => {
    let engine = new MemoryEngine();
    const open = async () => {
      engine = engine.reopened();
      return engine;
    };
    const { revision } = (await readSnapshotOf(snapshot)).status;
    const bumped = revision + 1_000_000_000;
    const engines = { ...inMemory, open };
    const restored = await restore({ engines, bumpRevision: 1_000_000_000, markCompacted: true });
    expect(restored).toMatchObject({ revision: bumped, compactRevision: bumped });
    const store = openStore(engine.reopened());
    expect([store.revision, store.compactRevision]).toEqual([bumped, bumped]);
    await store.close();
  });
});

describe('a restore that fails', () => {
  async function refused(overrides: Overrides): Promise<Error> {
    const error: unknown = await restore(overrides).then(
      () => new Error('it was restored'),
      (reason: unknown) => reason,
    );
    expect(leftBehind()).toEqual([]);
    if (!(error instanceof Error)) throw new Error('rejected with something else');
    return error;
  }

  it.each([
    ['of a name that is not in the cluster', { name: 'm2' }, ConfigError, 'local name "m2"'],
    ['of a URL that is none', { initialCluster: 'm1=x' }, ConfigError, 'URL scheme must be'],
    ['without a hash', { bytes: Buffer.alloc(8192) }, OfflineError, 'snapshot missing hash'],
    ['of nothing', { bytes: Buffer.alloc(0), skipHashCheck: true }, DatabaseFileError, 'no bbolt'],
  ])('%s leaves nothing', async (_name, overrides, kind, text) => {
    const error = await refused(overrides);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(text);
  });

  it('finds every wrong bit by the hash', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bytes = damage(snapshot, seed);
      if (bytes.equals(snapshot)) continue;
      expect((await refused({ bytes })).message, `seed ${seed}`).toMatch(/^expected sha256 \[/);
    }
  });

  it('without the hash, restores something sound or says what is wrong', async () => {
    let count = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const bytes = damage(snapshot, seed);
      const error: unknown = await restore({ bytes, skipHashCheck: true }).catch((e) => e);
      if (!(error instanceof Error)) {
        rmSync(join(folder, 'parent'), { recursive: true });
        continue;
      }
      count += 1;
      const kinds = [DatabaseFileError, OfflineError];
      expect(
        kinds.some((kind) => error instanceof kind),
        `seed ${seed}: ${error.stack}`,
      ).toBe(true);
      expect(leftBehind(), `seed ${seed}`).toEqual([]);
    }
    expect(count).toBeGreaterThan(20);
  });

  it('is told that a file ends too early, wherever', async () => {
    for (let size = 0; size < snapshot.length; size += 3_331) {
      const bytes = withHash(snapshot.subarray(0, size - (size % 512)));
      expect(await refused({ bytes })).toBeInstanceOf(DatabaseFileError);
    }
  });

  it('leaves nothing when it is given up, at whatever point', async () => {
    const stop = new Error('given up');
    for (let calls = 1; ; calls++) {
      let left = calls;
      const progress: Progress = async () => {
        left -= 1;
        if (left === 0) throw stop;
      };
      const outcome = await restore({ progress }).catch((error: unknown) => error);
      if (outcome !== stop) break;
      expect(leftBehind()).toEqual([]);
    }
    expect(leftBehind()).toEqual(['parent']);
  });

  it('leaves nothing when the disk refuses', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    for (const step of ['open', 'rename'] as const) {
      const engines: EngineFolders = {
        ...inMemory,
        [step]: () => {
          throw full;
        },
      };
      expect(await refused({ engines })).toBe(full);
      expect(await refused({ engines, walDir: join(folder, 'logs/m1') })).toBe(full);
    }
  });

  it('touches neither data nor a log that is there', async () => {
    const dataDir = join(folder, 'parent/data');
    const walDir = join(folder, 'wal');
    mkdirSync(walDir);
    await expect(restore({ walDir })).rejects.toThrow(`wal-dir "${walDir}" exists`);
    await restore();
    const before = readdirSync(join(dataDir, 'member'));
    await expect(restore()).rejects.toThrow(`data-dir "${dataDir}" not empty or could not be read`);
    expect(readdirSync(join(dataDir, 'member'))).toEqual(before);
    expect(existsSync(walDir)).toBe(true);
  });

  it('begins again where another one died, but not beside one that lives', async () => {
    const unfinished = join(folder, 'parent/data/member.restoring');
    mkdirSync(join(unfinished, 'db'), { recursive: true });
    const lock = disk.lock(join(unfinished, 'lock'));
    await expect(restore()).rejects.toThrow(/locked by/);
    expect(readdirSync(unfinished)).toContain('db');
    lock.release();
    await restore();
    expect(readdirSync(join(folder, 'parent/data'))).toEqual(['member']);
  });
});

describe('a snapshot that is looked at', () => {
  it('shows everything but keys', async () => {
    const contents = await readSnapshotOf(snapshot);
    expect(contents).toMatchObject({
      hasHash: true,
      clusterVersion: '3.7.0',
      meta: {
        consistentIndex: 400,
        term: 7,
        scheduledCompactRevision: 10,
        storageVersion: '3.7.0',
      },
      auth: { isEnabled: false },
      alarms: [{ alarm: 1 }],
    });
    expect(contents.auth.users.map(({ roles }) => roles)).toEqual([['reader'], []]);
    expect(contents.leases.map(({ id, ttlSeconds }) => [id, ttlSeconds])).toEqual([
      [11n, 600],
      [0x7fff_ffff_ffff_ffffn, 60],
    ]);
  });

  it('is sound, or not shown', async () => {
    await expect(readSnapshotOf(damage(snapshot, 3))).rejects.toThrow(DatabaseFileError);
    await expect(readSnapshotOf(Buffer.from('no database'))).rejects.toThrow('no bbolt database');
  });
});

async function readSnapshotOf(bytes: Uint8Array) {
  const path = join(folder, 'looked-at.db');
  writeFileSync(path, bytes);
  try {
    return await readSnapshot(disk, path, noProgress);
  } finally {
    rmSync(path);
  }
}
