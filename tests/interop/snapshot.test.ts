import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Etcdctl } from '../framework/etcdctl.ts';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';

const real = realEtcd('3.5');

async function lines(
  etcd: RealEtcd,
  member: TestMember,
  ...args: readonly string[]
): Promise<readonly string[]> {
  const { status, stdout, stderr } = await new Etcdctl(etcd, member.endpoint).run(...args);
  if (status.code !== 0)
    throw new Error(`etcdctl ${args.join(' ')}: ${status.code}\n${stderr.join('\n')}`);
  return stdout;
}

/** All pairs with their revisions, without the header, whose ids differ. */
async function contents(etcd: RealEtcd, member: TestMember): Promise<unknown> {
  const [json = '{}'] = await lines(etcd, member, 'get', '', '--prefix', '-w', 'json');
  return JSON.parse(json).kvs;
}

describe.skipIf(real === undefined)('a snapshot of Kvorum', () => {
  it('is restored by etcdutl and served by etcd, history and leases included', async () => {
    if (real?.etcdutl === undefined) throw new Error('no real etcdutl');
    const { etcdutl } = real;
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-snapshot-'));
    try {
      await using kvorum = await startKvorum();
      await write(real, kvorum);
      const file = join(folder, 'backup.db');
      await lines(real, kvorum, 'snapshot', 'save', file);

      const status = JSON.parse(
        execFileSync(etcdutl, ['snapshot', 'status', file, '-w', 'json'], { encoding: 'utf8' }),
      );
      expect(status.revision).toBe(68);

      const dataDir = join(folder, 'restored');
      const peer = 'http://127.0.0.1:2380';
      execFileSync(
        etcdutl,
        [
          ...['snapshot', 'restore', file, '--data-dir', dataDir, '--name', 'm1'],
          ...['--initial-cluster', `m1=${peer}`, '--initial-advertise-peer-urls', peer],
        ],
        { stdio: 'ignore' },
      );
      await using etcd = await startEtcd(real, { dataDir });
      expect(await contents(real, etcd)).toEqual(await contents(real, kvorum));
      expect(await lines(real, etcd, 'get', 'changed', '--rev=4')).toEqual(['changed', 'one']);
      expect((await lines(real, etcd, 'lease', 'list'))[0]).toBe('found 1 leases');
      // The same hash: the same revisions, byte for byte.
      const hash = async (member: TestMember) =>
        (await lines(real, member, 'endpoint', 'hashkv', '-w', 'json'))[0]?.match(
          /"hash":(\d+)/,
        )?.[1];
      expect(await hash(etcd)).toBe(await hash(kvorum));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** Revisions 2 to 68: versions, deletions, a lease, a value of many pages, a compaction. */
async function write(etcd: RealEtcd, member: TestMember): Promise<void> {
  await lines(etcd, member, 'put', 'deleted', 'x');
  await lines(etcd, member, 'del', 'deleted');
  await lines(etcd, member, 'put', 'changed', 'one');
  await lines(etcd, member, 'put', 'changed', 'two');
  await lines(etcd, member, 'put', 'large', 'v'.repeat(100_000));
  const [granted = ''] = await lines(etcd, member, 'lease', 'grant', '600');
  const lease = granted.split(' ')[1] ?? '';
  await lines(etcd, member, 'put', 'leased', 'y', `--lease=${lease}`);
  for (let i = 0; i < 60; i++) await lines(etcd, member, 'put', `many/${i}`, 'z'.repeat(400));
  await lines(etcd, member, 'put', 'last', '');
  await lines(etcd, member, 'compaction', '4');
}
