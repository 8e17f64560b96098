import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kvutlProgram } from '@kvorum/ctl';
import { damage } from '@kvorum/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEtcd, startKvorum } from '../framework/member.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { etcdctl, fillEtcd, fillKeys } from '../interop/etcd-state.ts';
import { type DifferenceName, differences } from './differences.ts';
import { type ProgramResult, runKvctl } from './in-process.ts';
import { type UtlDifferenceName, utlDifferences } from './kvutl-differences.ts';

/** A command line, and the differences from etcdutl that it meets. `@name` stands for a file of that name. */
type Step = readonly [args: string, ...differs: (DifferenceName | UtlDifferenceName)[]];

const all = { ...differences, ...utlDifferences };
/** Loads of a busy machine included. */
const TIMEOUT_MS = 240_000;
const real34 = realEtcd('3.4');
const real35 = realEtcd('3.5');

/** HashKV of the state that the snapshot is of, as the server said. */
let serverHash: string | undefined;
/** One folder for each of the two programs, with the same files in it. */
let folder: string;
const folderOf = (program: string) => join(folder, program);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvorum-kvutl-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function etcdutl(
  { etcdutl: program = '' }: RealEtcd,
  args: readonly string[],
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const options = { cwd: folder, encoding: 'latin1', timeout: 100_000 } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function kvutl(args: readonly string[]): Promise<ProgramResult> {
  return runKvctl({ args }, kvutlProgram);
}

/** What a step did, with the differences it meets looked past and the program's folder masked. */
async function outcomeOf(
  [text, ...differs]: Step,
  program: string,
  run: (args: readonly string[]) => Promise<ProgramResult>,
): Promise<object> {
  const dir = folderOf(program);
  const words = text === '' ? [] : text.split(' ');
  const result = await run(words.map((word) => word.replace('@', `${dir}/`)));
  const names = ['log-lines', ...differs] as const;
  const { exitCode, stdout, stderr } = names.reduce<ProgramResult>(
    (before, name) => all[name].normalize(before),
    result,
  );
  const mask = (output: string) => output.replaceAll(dir, 'DIR').split('\n');
  return { step: text, exitCode, stdout: mask(stdout), stderr: mask(stderr) };
}

const statusSteps: Step[] = [
  ['snapshot status @snapshot.db', 'storage-version'],
  ['snapshot status @snapshot.db -w json', 'storage-version'],
  ['snapshot status @snapshot.db -w fields', 'storage-version'],
  ['snapshot status @snapshot.db -w table', 'table-style', 'storage-version'],
  ['snap stat @snapshot.db', 'storage-version'],
  ['snapshot status @snapshot.db -w protobuf'],
  ['snapshot status @snapshot.db -w nonsense'],
  ['snapshot status @copied.db', 'storage-version'],
  ['snapshot status @nosuch.db'],
  ['snapshot status @.'],
  ['snapshot status'],
  ['snapshot status @snapshot.db @copied.db'],
  ['snapshot status @snapshot.db --bogus', 'one-line-of-usage'],
  ['snapshot status @cut.db', 'no-crash'],
  ['snapshot status @text.db', 'no-crash'],
  ['snapshot status @empty.db', 'no-crash'],
];

const restoreSteps: Step[] = [
  ['snapshot restore @snapshot.db --data-dir @one'],
  ['snapshot restore @snapshot.db --data-dir @one'],
  ['snapshot restore @snapshot.db --data-dir @one/member/wal'],
  ['snapshot restore @copied.db --data-dir @two'],
  ['snapshot restore @copied.db --data-dir @three --wal-dir @three-wal --skip-hash-check'],
  ['snapshot restore @snapshot.db --data-dir @four --wal-dir @three-wal'],
  ['snapshot restore @flipped.db --data-dir @six'],
  ['snapshot restore @nosuch.db --data-dir @seven'],
  ['snapshot restore --data-dir @seven'],
  ['snapshot restore @snapshot.db @copied.db --data-dir @seven'],
  ['snapshot restore @snapshot.db --data-dir @seven --bump-revision 5'],
  ['snapshot restore @snapshot.db --data-dir @seven --mark-compacted'],
  ['snapshot restore @snapshot.db --data-dir @seven --bump-revision -5', 'one-line-of-usage'],
  ['snapshot restore @snapshot.db --data-dir @seven --name other'],
  ['snapshot restore @snapshot.db --data-dir @seven --initial-cluster x=y=z'],
  ['snapshot restore @snapshot.db --data-dir @seven --initial-advertise-peer-urls foo'],
  [
    'snapshot restore @snapshot.db --data-dir @seven --initial-advertise-peer-urls http://localhost:9',
    'resolved-urls',
  ],
  [
    'snapshot restore @snapshot.db --data-dir @seven --initial-cluster default=http://localhost:2380,n2=http://localhost:2380',
  ],
  ['snapshot restore @cut.db --data-dir @eight --skip-hash-check', 'no-crash'],
  ['snapshot restore @text.db --data-dir @eight --skip-hash-check', 'no-crash'],
  ['snapshot restore @empty.db --data-dir @eight --skip-hash-check', 'no-crash'],
];

const otherSteps: Step[] = [
  ['version', 'version-text'],
  ['nosuch', 'usage-text'],
  ['snapshot nosuch', 'usage-text'],
  ['--bogus', 'usage-text'],
  ['defrag', 'one-line-of-usage'],
];

describe.each([
  ['3.4', real34],
  ['3.5', real35],
] as const)('on files of etcd %s', (_release, source) => {
  describe.skipIf(source === undefined || real35 === undefined)(
    'that a snapshot was saved of',
    () => {
      beforeAll(async () => {
        if (source !== undefined) await makeFiles(source);
      }, TIMEOUT_MS);

      it('kvutl does as etcdutl does', { timeout: TIMEOUT_MS }, async () => {
        if (real35 === undefined) throw new Error('no real etcd');
        for (const step of [...statusSteps, ...restoreSteps, ...otherSteps]) {
          const theirs = await outcomeOf(step, 'etcdutl', (args) => etcdutl(real35, args));
          expect(await outcomeOf(step, 'kvutl', kvutl)).toEqual(theirs);
        }
        expectNone('two', 'four', 'six', 'seven', 'eight');
      });

      it('kvutl hashes what the server hashed', async () => {
        const { stdout } = await kvutl(['hashkv', pathOf('snapshot.db')]);
        expect(stdout.split(', ')[0]).toBe(serverHash);
      });

      it('kvutl shows what comes along', async () => {
        const inspected = await kvutl(['snapshot', 'inspect', pathOf('snapshot.db')]);
        expect(inspected.stdout.split('\n')).toEqual(
          expect.arrayContaining([
            'authentication: disabled, revision 6',
            'user ann: reader',
            'role reader: read ["key/", "key0")',
          ]),
        );
      });

      it('kvutl says what is wrong with damaged ones', { timeout: TIMEOUT_MS }, async () => {
        const snapshot = readFileSync(pathOf('snapshot.db'));
        const database = snapshot.subarray(0, -32);
        const [damaged, dataDir] = [pathOf('damaged.db'), pathOf('damaged')];
        let refused = 0;
        for (let seed = 1; seed <= 80; seed++) {
          writeFileSync(damaged, damage(database, seed));
          const { exitCode, stderr } = await kvutl(['snapshot', 'status', damaged]);
          if (exitCode !== 0) expect(stderr, `seed ${seed}`).toMatch(/^Error: [^\n]+\n$/);
          refused += exitCode;
          if (exitCode === 0) continue;
          const restore = [
            'snapshot',
            'restore',
            damaged,
            '--skip-hash-check',
            '--data-dir',
            dataDir,
          ];
          expect((await kvutl(restore)).exitCode, `seed ${seed}`).toBe(1);
        }
        expect(refused).toBeGreaterThan(5);
        for (let seed = 1; seed <= 20; seed++) {
          writeFileSync(damaged, damage(snapshot, seed));
          if (readFileSync(damaged).equals(snapshot)) continue;
          const restore = await kvutl(['snapshot', 'restore', damaged, '--data-dir', dataDir]);
          expect(restore.stderr, `seed ${seed}`).toContain('Error: expected sha256 [');
        }
        expectNone('damaged');
      });

      it('kvutl leaves nothing when it is interrupted', async () => {
        const args = [
          'snapshot',
          'restore',
          pathOf('snapshot.db'),
          '--data-dir',
          pathOf('stopped'),
        ];
        const call = { args, interruption: AbortSignal.abort() };
        expect(await runKvctl(call, kvutlProgram)).toMatchObject({ exitCode: 5 });
        expectNone('stopped');
      });
    },
  );
});

describe.skipIf(real35 === undefined)('a snapshot of etcd with authentication', () => {
  it('stays one that asks who calls, unless that is turned off', {
    timeout: TIMEOUT_MS,
  }, async () => {
    if (real35 === undefined) throw new Error('no real etcd');
    const dir = await mkdtemp(join(folder, 'auth-'));
    const snapshot = join(dir, 'snapshot.db');
    {
      await using etcd = await startEtcd(real35);
      const run = (...args: string[]) => etcdctl(real35, etcd.endpoint, ...args);
      await run('put', 'k', 'v');
      await run('user', 'add', 'root:secret');
      await run('user', 'grant-role', 'root', 'root');
      await run('auth', 'enable');
      await run('snapshot', 'save', snapshot, '--user=root:secret');
    }
    const restore = ['snapshot', 'restore', snapshot, '--name=m1', '--initial-cluster'];
    const cluster = ['m1=http://127.0.0.1:2380', '--initial-advertise-peer-urls'];
    const command = [...restore, ...cluster, 'http://127.0.0.1:2380', '--data-dir'];
    {
      const dataDir = join(dir, 'asks');
      const { stderr } = await kvutl([...command, dataDir]);
      expect(stderr).toMatch(/info\tclients are asked for their user/);
      await using kvorum = await startKvorum({ dataDir });
      const get = (...flags: string[]) => etcdctl(real35, kvorum.endpoint, 'get', 'k', ...flags);
      await expect(get()).rejects.toThrow('user name is empty');
      expect(await get('--user=root:secret')).toEqual(['k', 'v']);
    }
    const dataDir = join(dir, 'open');
    const { stderr } = await kvutl([...command, dataDir, '--without-auth']);
    expect(stderr).toMatch(/warn\tthere are users, but authentication is off/);
    await using kvorum = await startKvorum({ dataDir });
    const run = (...args: string[]) => etcdctl(real35, kvorum.endpoint, ...args);
    expect(await run('get', 'k')).toEqual(['k', 'v']);
    expect(await run('user', 'get', 'root')).toEqual(['User: root', 'Roles: root']);
  });
});

/** A file of kvutl's. */
function pathOf(name: string): string {
  return join(folderOf('kvutl'), name);
}

/** Nothing of that name was left in kvutl's folder. */
function expectNone(...names: string[]): void {
  expect(names.filter((name) => existsSync(pathOf(name)))).toEqual([]);
}

/** The same files in both folders: a snapshot, a copied database, and broken ones. */
async function makeFiles(source: RealEtcd): Promise<void> {
  const [snapshot, copied] = [join(folder, 'snapshot.db'), join(folder, 'copied.db')];
  for (const program of ['etcdutl', 'kvutl']) {
    rmSync(folderOf(program), { recursive: true, force: true });
    mkdirSync(folderOf(program), { recursive: true });
  }
  {
    await using etcd = await startEtcd(source);
    await fillEtcd(source, etcd, { keys: 300, leases: 2 });
    await etcdctl(source, etcd.endpoint, 'snapshot', 'save', snapshot);
    [, serverHash] = (await etcdctl(source, etcd.endpoint, 'endpoint', 'hashkv'))
      .join()
      .split(', ');
    await etcd.stop();
    copyFileSync(join(etcd.dataDir, 'member/snap/db'), copied);
  }
  const flipped = readFileSync(snapshot);
  flipped[5_000] = (flipped[5_000] ?? 0) ^ 1;
  for (const program of ['etcdutl', 'kvutl']) {
    const to = (name: string) => join(folderOf(program), name);
    copyFileSync(snapshot, to('snapshot.db'));
    copyFileSync(copied, to('copied.db'));
    copyFileSync(copied, to('cut.db'));
    truncateSync(to('cut.db'), 50_000);
    writeFileSync(to('flipped.db'), flipped);
    writeFileSync(to('text.db'), 'no database at all\n'.repeat(5_000));
    writeFileSync(to('empty.db'), '');
  }
}

describe.skipIf(real35 === undefined)('on files of Kvorum', () => {
  it('kvutl does as etcdutl does, and hashes them as the server', {
    timeout: TIMEOUT_MS,
  }, async () => {
    if (real35 === undefined) throw new Error('no real etcd');
    const dir = await mkdtemp(join(folder, 'kvorum-'));
    const [dataDir, snapshot, copy] = ['data', 'snapshot.db', 'copy'].map((name) =>
      join(dir, name),
    );
    if (dataDir === undefined || snapshot === undefined || copy === undefined) return;
    const peer = 'http://127.0.0.1:2380';
    const hashOf = async (...args: string[]) => (await kvutl(['hashkv', ...args])).stdout.trim();
    let hash: string | undefined;
    let earlierHash: string | undefined;
    let earlier = 0;
    {
      await using kvorum = await startKvorum({ dataDir });
      await fillKeys(kvorum, { keys: 200, leases: 2 });
      await etcdctl(real35, kvorum.endpoint, 'snapshot', 'save', snapshot);
      const asked = async (...args: string[]) =>
        (await etcdctl(real35, kvorum.endpoint, ...args)).join('\n');
      earlier = Number(/"revision":(\d+)/.exec(await asked('get', 'x', '-w', 'json'))?.[1]) - 1;
      hash = (await asked('endpoint', 'hashkv')).split(', ')[1];
      earlierHash = (await asked('endpoint', 'hashkv', `--rev=${earlier}`)).split(', ')[1];
      const inUse = await kvutl(['defrag', '--data-dir', dataDir, '--timeout=10ms']);
      expect(inUse.stderr).toMatch(/Failed to defragment etcd data\[.*\] \(.*locked by process/);
    }
    for (const format of ['simple', 'json', 'fields']) {
      const args = ['snapshot', 'status', snapshot, '-w', format];
      const [theirs, ours] = [await etcdutl(real35, args), await kvutl(args)].map(
        utlDifferences['storage-version'].normalize,
      );
      expect(ours).toEqual(theirs);
    }
    const cluster = [`--initial-cluster=m1=${peer}`, `--initial-advertise-peer-urls=${peer}`];
    const restore = ['snapshot', 'restore', snapshot, '--data-dir', copy, '--name=m1', ...cluster];
    expect((await kvutl(restore)).exitCode).toBe(0);
    for (const command of ['defrag', 'migrate --target-version=3.6']) {
      const result = await kvutl([...command.split(' '), '--data-dir', copy]);
      expect(result.exitCode, result.stderr).toBe(0);
    }
    for (const path of [snapshot, dataDir, copy]) {
      expect((await hashOf(path)).split(', ')[0]).toBe(hash);
      expect((await hashOf(path, `--rev=${earlier}`)).split(', ')[0]).toBe(earlierHash);
    }
    expect((await kvutl(['hashkv', snapshot, '--rev=1'])).stderr).toBe(
      'Error: mvcc: required revision has been compacted\n',
    );
  });
});
