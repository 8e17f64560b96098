import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEtcd, startKvorum } from '../../framework/member.ts';
import { Prng } from '../../framework/prng.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { visibleState } from '../../interop/etcd-state.ts';
import { type ProgramCall, runKvctl } from '../in-process.ts';
import { clusterIdsOf, makeV2Data, setV2Keys, startedOn, v2KeysOf, walFile } from './v2-data.ts';

/** Loads of a busy machine included. */
const TIMEOUT_MS = 240_000;
const real34 = realEtcd('3.4');
const real35 = realEtcd('3.5');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvorum-backup-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function backup(
  dataDir: string,
  backupDir: string,
  more: readonly string[] = [],
  call: Partial<ProgramCall> = {},
) {
  const args = ['backup', '--data-dir', dataDir, '--backup-dir', backupDir, ...more];
  return runKvctl({ args, env: { ETCDCTL_API: '2' }, ...call });
}

const sources = [
  ['3.5', real35, { snapshotCount: undefined, killed: false }],
  ['3.5', real35, { snapshotCount: 20, killed: true }],
  ['3.4', real34, { snapshotCount: undefined, killed: true }],
  ['3.4', real34, { snapshotCount: 20, killed: false }],
] as const;

describe.each(sources)('a backup of etcd %s', (release, real, { snapshotCount, killed }) => {
  const name = snapshotCount === undefined ? 'without snapshots' : 'with snapshots';
  describe.skipIf(real === undefined)(`${name}${killed ? ', killed' : ''}`, () => {
    it('has what etcd had, when it is started on it', { timeout: TIMEOUT_MS }, async () => {
      if (real === undefined) throw new Error('no real etcd');
      const dir = await mkdtemp(join(folder, `${release}-`));
      const dataDir = join(dir, 'data');
      let before: Awaited<ReturnType<typeof v2KeysOf>> = {};
      let state: unknown;
      let ids: object = {};
      await makeV2Data(real, dataDir, {
        ...(snapshotCount === undefined ? {} : { snapshotCount }),
        killed,
        look: async (etcd) => {
          before = await v2KeysOf(etcd);
          state = await visibleState(real, etcd.endpoint);
          ids = await clusterIdsOf(real, etcd.endpoint);
        },
      });
      const files = filesOf(dataDir);
      expect(files.some((file) => file.includes('.snap '))).toBe(snapshotCount !== undefined);
      const [plain, withV3] = [join(dir, 'plain'), join(dir, 'with-v3')];
      expect(await backup(dataDir, plain)).toMatchObject({ exitCode: 0, stdout: '' });
      expect(await backup(dataDir, withV3, ['--with-v3'])).toMatchObject({ exitCode: 0 });
      // Nothing was changed in the source, and nothing but a member is in the copy.
      expect(filesOf(dataDir)).toEqual(files);
      expect([readdirSync(plain), readdirSync(join(plain, 'member'))]).toEqual([
        ['member'],
        ['snap', 'wal'],
      ]);

      const [first, second] = [await startedOn(real, plain), await startedOn(real, withV3)];
      for (const started of [first, second]) {
        expect(Object.keys(before).length).toBeGreaterThan(25);
        expect(started.v2).toMatchObject(before);
        expect(started.members).toBe(1);
        expect(started.ids).not.toMatchObject(ids);
      }
      expect(second.v3).toEqual(state);
      expect(first.v3).toMatchObject({ revision: 1, leases: [] });
      expect(first.ids).not.toEqual(second.ids);
    });
  });
});

/** Names, sizes and times of all files in a folder. */
function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(dir, name));
      return `${name} ${size} ${mtimeMs}`;
    });
}

describe.skipIf(real35 === undefined)('a data folder', () => {
  let dataDir: string;
  beforeAll(async () => {
    if (real35 === undefined) return;
    dataDir = join(folder, 'source');
    await makeV2Data(real35, dataDir, { snapshotCount: 20 });
  }, TIMEOUT_MS);

  /** Nothing is left of a backup that failed. */
  async function refusal(source: string, more: readonly string[] = []): Promise<string> {
    const target = join(folder, 'refused');
    const { exitCode, stderr } = await backup(source, target, more);
    expect(existsSync(target)).toBe(false);
    expect(exitCode).toBe(1);
    return stderr;
  }

  it('whose log is cut or altered is refused', { timeout: TIMEOUT_MS }, async () => {
    const damaged = join(folder, 'damaged');
    cpSync(dataDir, damaged, { recursive: true });
    const wal = walFile(damaged);
    const bytes = readFileSync(wal);
    const end = bytes.findLastIndex((byte) => byte !== 0);
    const random = new Prng(1);
    for (let round = 0; round < 40; round++) {
      const altered = Buffer.from(bytes.subarray(0, end + 4096));
      const at = random.below(end);
      altered[at] = (altered[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(wal, altered);
      truncateSync(wal, bytes.length);
      const text = await refusal(damaged, round % 2 === 0 ? ['--with-v3'] : []);
      expect(text, `round ${round}, byte ${at}`).toMatch(/^Error: {2}.*wal.*: [^\n]+\n$/s);
    }
    for (let round = 0; round < 20; round++) {
      const size = random.below(end);
      writeFileSync(wal, bytes.subarray(0, size));
      const text = await refusal(damaged);
      expect(text, `cut at ${size} of ${end}`).toMatch(/^Error: {2}[^\n]+\n$/m);
    }
  });

  it('whose database is cut is refused, where that is asked for', async () => {
    const damaged = join(folder, 'cut-database');
    cpSync(dataDir, damaged, { recursive: true });
    truncateSync(join(damaged, 'member/snap/db'), 30_000);
    expect(await refusal(damaged, ['--with-v3'])).toMatch(/Error: {2}the file is cut off: it has/);
    expect(await backup(damaged, join(folder, 'cut-plain'))).toMatchObject({ exitCode: 0 });
  });

  it('whose newest snapshot is damaged is copied from the one before', async () => {
    const damaged = join(folder, 'damaged-snapshot');
    cpSync(dataDir, damaged, { recursive: true });
    const dir = join(damaged, 'member/snap');
    const newest =
      readdirSync(dir)
        .filter((name) => name.endsWith('.snap'))
        .sort()
        .at(-1) ?? '';
    writeFileSync(join(dir, newest), 'no snapshot');
    const { exitCode, stderr } = await backup(damaged, join(folder, 'older-snapshot'));
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('left out a damaged snapshot')]);
    expect(readdirSync(dir)).toContain(newest);
  });

  it('that is none of etcd is refused with what to do instead', async () => {
    const other = join(folder, 'other');
    mkdirSync(join(other, 'photos'), { recursive: true });
    expect(await refusal(other)).toBe(
      `Error:  ${other} is no data directory of etcd: it has no folder member/snap\n`,
    );
    expect(await refusal(join(folder, 'nowhere'))).toMatch(
      /Error: {2}there is no folder .*nowhere\n/,
    );
    const ours = join(folder, 'kvorum');
    await using kvorum = await startKvorum({ dataDir: ours });
    await kvorum.stop();
    expect(await refusal(ours)).toMatch(
      /is a data directory of Kvorum.*"kvctl snapshot save FILE"/,
    );
  });

  it('is left alone when the backup is interrupted', async () => {
    const target = join(folder, 'stopped');
    for (const more of [[], ['--with-v3']]) {
      const stopped = await backup(dataDir, target, more, { interruption: AbortSignal.abort() });
      expect(stopped.exitCode).toBe(5);
      expect(existsSync(target)).toBe(false);
    }
  });

  it('may be in use while it is copied', { timeout: TIMEOUT_MS }, async () => {
    if (real35 === undefined) throw new Error('no real etcd');
    const running = join(folder, 'running');
    const target = join(folder, 'of-running');
    await using etcd = await startEtcd(real35, { dataDir: running, flags: ['--enable-v2'] });
    await setV2Keys(etcd, 0);
    const writing = setV2Keys(etcd, 100);
    const before = await v2KeysOf(etcd);
    expect(await backup(running, target)).toMatchObject({ exitCode: 0 });
    await writing;
    expect((await startedOn(real35, target)).v2).toMatchObject(before);
  });
});
