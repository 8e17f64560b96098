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
