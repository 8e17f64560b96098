import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kvutlProgram } from '@kvorum/ctl';
import { describe, expect, it } from 'vitest';
import { runKvctl } from '../ctl/in-process.ts';
import { TestCluster } from '../framework/cluster.ts';
import { startEtcd, startKvorum } from '../framework/member.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { etcdctl, fillEtcd, type StateSize, visibleState } from './etcd-state.ts';

/**
 * A small state by default. With KVORUM_RESTORE_KEYS=100000 it is that of a busy cluster, with 50 leases; that takes a
 * minute or two for each release of etcd.
 */
const size: StateSize =
  process.env.KVORUM_RESTORE_KEYS === undefined
    ? { keys: 800, leases: 3 }
    : { keys: Number(process.env.KVORUM_RESTORE_KEYS), leases: 50 };
const TIMEOUT_MS = size.keys > 10_000 ? 900_000 : 300_000;

const PEER = 'http://127.0.0.1:2380';

/** A folder that is gone after the test. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'kvorum-restore-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Makes the data folder of a member, with kvutl. */
async function restore(
  path: string,
  dataDir: string,
  { name = 'm1', peer = PEER, initialCluster = `m1=${PEER}` } = {},
): Promise<void> {
  const args = [
    ...['snapshot', 'restore', path, '--data-dir', dataDir, '--name', name],
    ...['--initial-cluster', initialCluster, '--initial-advertise-peer-urls', peer],
  ];
  const { exitCode, stderr } = await runKvctl({ args }, kvutlProgram);
  expect(exitCode, stderr).toBe(0);
}

/** A snapshot of an etcd that was filled, and what its clients saw. */
async function snapshotOf(real: RealEtcd, path: string): Promise<unknown> {
  await using etcd = await startEtcd(real);
  await fillEtcd(real, etcd, size);
  const state = await visibleState(real, etcd.endpoint);
  await etcdctl(real, etcd.endpoint, 'snapshot', 'save', path);
  return state;
}

async function authOf(real: RealEtcd, endpoint: string): Promise<readonly string[][]> {
  const asked = [
    ['user', 'list'],
    ['user', 'get', 'ann'],
    ['role', 'list'],
    ['role', 'get', 'reader'],
  ];
  return await Promise.all(
    asked.map(async (args) => [...(await etcdctl(real, endpoint, ...args))]),
  );
}

const real34 = realEtcd('3.4');
const real35 = realEtcd('3.5');

describe.each([
  ['3.4', real34],
  ['3.5', real35],
] as const)('a snapshot of etcd %s', (_release, real) => {
  describe.skipIf(real === undefined)('that Kvorum begins with', () => {
    it('is served as it was, pair by pair, with leases and hashes', {
      timeout: TIMEOUT_MS,
    }, async () => {
      if (real === undefined) throw new Error('no real etcd');
      await using folder = await temporaryFolder();
      const snapshot = join(folder.path, 'snapshot.db');
      const expected = await snapshotOf(real, snapshot);
      const dataDir = join(folder.path, 'data');
      await restore(snapshot, dataDir);
      await using kvorum = await startKvorum({ dataDir });
      expect(await visibleState(real, kvorum.endpoint)).toEqual(expected);
    });
  });
});

describe.skipIf(real35 === undefined)('a cluster of three from one snapshot', () => {
  it('serves it, goes on with it, and gives it back to etcd', { timeout: TIMEOUT_MS }, async () => {
    const real = real35;
    if (real?.etcdutl === undefined) throw new Error('no real etcd');
    await using folder = await temporaryFolder();
    const snapshot = join(folder.path, 'snapshot.db');
    const expected = await snapshotOf(real, snapshot);
    await using cluster = await TestCluster.prepare();
    const { initialCluster } = cluster;
    for (const { name, peerUrl, dataDir } of cluster.members) {
      await restore(snapshot, dataDir, { name, peer: peerUrl, initialCluster });
    }
    await Promise.all(cluster.members.map((member) => member.spawn()));
    await Promise.all(cluster.members.map((member) => member.ready()));
    const hashes = await etcdctl(
      real,
      cluster.endpoints,
      'endpoint',
      'hashkv',
      '--command-timeout=280s',
    );
    expect(new Set(hashes.map((line) => line.split(', ')[1])).size).toBe(1);
    const { endpoint } = cluster.member(2);
    expect(await visibleState(real, endpoint)).toEqual(expected);
    const listed = await etcdctl(real, endpoint, 'member', 'list', '-w', 'simple');
    expect(listed.map((line) => line.split(', ')[2]).sort()).toEqual(['m1', 'm2', 'm3']);

    // What is written from now on, and users and roles of the old cluster, are in a snapshot of the new one.
    await etcdctl(real, endpoint, 'put', 'after', 'the restore');
    const next = join(folder.path, 'next.db');
    await etcdctl(real, cluster.member(0).endpoint, 'snapshot', 'save', next);
    const state = await visibleState(real, endpoint);
    const kvorumDir = join(folder.path, 'kvorum');
    await restore(next, kvorumDir);
    {
      await using kvorum = await startKvorum({ dataDir: kvorumDir });
      expect(await visibleState(real, kvorum.endpoint)).toEqual(state);
    }
    const etcdDir = join(folder.path, 'etcd');
    const flags = ['--name=m1', `--initial-cluster=m1=${PEER}`];
    execFileSync(
      real.etcdutl,
      [
        'snapshot',
        'restore',
        next,
        `--data-dir=${etcdDir}`,
        ...flags,
        `--initial-advertise-peer-urls=${PEER}`,
      ],
      { stdio: 'ignore' },
    );
    await using etcd = await startEtcd(real, { dataDir: etcdDir });
    expect(await visibleState(real, etcd.endpoint)).toEqual(state);
    expect(await authOf(real, etcd.endpoint)).toEqual([
      ['ann', 'root'],
      ['User: ann', 'Roles: reader'],
      ['reader'],
      ['Role reader', 'KV Read:', '\t[key/, key0) (prefix key/)', 'KV Write:'],
    ]);
  });
});

describe.skipIf(real35 === undefined)('users, roles and passwords', () => {
  it('go from etcd to Kvorum and back, and are asked for at each', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const real = real35;
    if (real?.etcdutl === undefined) throw new Error('no real etcd');
    await using folder = await temporaryFolder();
    const [theirs, ours] = [join(folder.path, 'etcd.db'), join(folder.path, 'kvorum.db')];
    {
      await using etcd = await startEtcd(real);
      await fillEtcd(real, etcd, { keys: 10, leases: 1 });
      const run = (...args: string[]) => etcdctl(real, etcd.endpoint, ...args);
      await run('user', 'grant-role', 'root', 'root');
      await run('auth', 'enable');
      await run('snapshot', 'save', theirs, '--user=root:secret');
    }
    const asked = async (endpoint: string, ann: string) => {
      const get = (key: string, user: string) =>
        etcdctl(real, endpoint, 'get', key, '--count-only', '--write-out=fields', `--user=${user}`);
      await expect(get('key/', 'ann:wrong')).rejects.toThrow('invalid user ID or password');
      await expect(get('other', ann)).rejects.toThrow('permission denied');
      return await Promise.all([get('key/', ann), get('other', 'root:secret')]);
    };
    {
      const dataDir = join(folder.path, 'kvorum');
      await restore(theirs, dataDir);
      await using kvorum = await startKvorum({ dataDir });
      await asked(kvorum.endpoint, 'ann:secret');
      const run = (...args: string[]) =>
        etcdctl(real, kvorum.endpoint, ...args, '--user=root:secret');
      await run('user', 'add', 'bob:hidden');
      await run('user', 'grant-role', 'bob', 'reader');
      await run('snapshot', 'save', ours);
    }
    const etcdDir = join(folder.path, 'etcd');
    const restored = ['snapshot', 'restore', ours, `--data-dir=${etcdDir}`, '--name=m1'];
    const cluster = [`--initial-cluster=m1=${PEER}`, `--initial-advertise-peer-urls=${PEER}`];
    execFileSync(real.etcdutl, [...restored, ...cluster], { stdio: 'ignore' });
    await using etcd = await startEtcd(real, { dataDir: etcdDir });
    await asked(etcd.endpoint, 'ann:secret');
    await asked(etcd.endpoint, 'bob:hidden');
  });
});
