import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../framework/cluster.ts';
import { eventually } from '../../framework/eventually.ts';
import { etcdProgram } from '../../framework/member.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { etcdctl, fillKeys, visibleState } from '../../interop/etcd-state.ts';
import { runKvctl } from '../in-process.ts';
import { setV2Keys, startedOn, v2KeysOf } from './v2-data.ts';

/** Loads of a busy machine included. */
const TIMEOUT_MS = 240_000;

const sources = [
  ['3.5', realEtcd('3.5'), ['--snapshot-count=10']],
  ['3.5, without snapshots', realEtcd('3.5'), []],
  ['3.4', realEtcd('3.4'), ['--snapshot-count=10']],
] as const;

describe.each(sources)('backups of three members of etcd %s', (_name, real, snapshots) => {
  describe.skipIf(real === undefined)('of which one was removed and one added', () => {
    it('make clusters of one, with what all of them had', { timeout: TIMEOUT_MS }, async () => {
      if (real === undefined) throw new Error('no real etcd');
      const folder = await mkdtemp(join(tmpdir(), 'kvorum-backup-'));
      try {
        // Members come and go at once, and not after the 5 seconds that etcd takes to trust connections.
        const flags = ['--enable-v2', '--strict-reconfig-check=false', ...snapshots];
        await using cluster = await TestCluster.start({ program: etcdProgram(real), flags });
        // The leader stays: without it etcd loses what is proposed until the next one is elected.
        const first = await cluster.leader();
        const [second, third] = cluster.members.filter((member) => member !== first);
        if (second === undefined || third === undefined) throw new Error('there are three');
        const ctl = (...args: string[]) => etcdctl(real, first.endpoint, ...args);
        const revisionOf = async (endpoint: string) =>
          (await etcdctl(real, endpoint, 'get', 'x', '-w', 'json', '--consistency=s')).join();
        await setV2Keys(first, 0);
        await fillKeys(first, { keys: 100, leases: 2 });
        const id = (await ctl('member', 'list'))
          .find((row) => row.includes(`, ${third.name},`))
          ?.split(',')[0];
        await ctl('member', 'remove', id ?? '');
        await ctl('member', 'add', 'm4', '--peer-urls=http://127.0.0.1:1', '--learner');
        await setV2Keys(second, 100);
        const v2 = await v2KeysOf(first);
        const v3 = await visibleState(real, first.endpoint);
        const revision = /"revision":\d+/.exec(await revisionOf(first.endpoint))?.[0] ?? 'none';
        await eventually('both have all', async () => {
          return (await revisionOf(second.endpoint)).includes(revision);
        });
        await Promise.all([first.kill(), second.kill()]);

        for (const { name, dataDir } of [first, second]) {
          const target = join(folder, name);
          const args = ['backup', '--data-dir', dataDir, '--backup-dir', target, '--with-v3'];
          const { exitCode, stderr } = await runKvctl({ args, env: { ETCDCTL_API: '2' } });
          expect(exitCode, stderr).toBe(0);
          const started = await startedOn(real, target);
          expect(started.members).toBe(1);
          expect(started.v2).toMatchObject(v2);
          expect(started.v3).toEqual(v3);
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
});
