import { describe, expect, it } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';

const bytes = (text: string) => Buffer.from(text);

describe('three members in processes of their own', () => {
  it('take a write at any of them, show it at all, and go on without the leader', async () => {
    await using cluster = await TestCluster.start();
    const clients = cluster.members.map((member) => member.client());
    const key = bytes('k');
    for (const [i, client] of clients.entries()) {
      await client.kv.put({ key, value: bytes(`from ${i}`) });
      for (const reader of clients) {
        const { kvs } = await reader.kv.range({ key });
        expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe(`from ${i}`);
      }
    }
    const statuses = await Promise.all(clients.map((client) => client.maintenance.status({})));
    expect(new Set(statuses.map(({ leader }) => leader)).size).toBe(1);
    const leader = await cluster.leader();
    await leader.kill();
    const other = clients[(leader.index + 1) % 3];
    await eventually('a write without the former leader', async () => {
      await other?.kv.put({ key, value: bytes('without') }, { timeoutMs: 1000 });
      return true;
    });
    await leader.restart();
    const again = leader.client();
    const { kvs } = await again.kv.range({ key });
    expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe('without');
    const { members } = await again.cluster.memberList({});
    expect(members.map(({ name }) => name).sort()).toEqual(['m1', 'm2', 'm3']);
    for (const client of [...clients, again]) client[Symbol.dispose]();
  }, 60_000);

  it('bring one that was away for long up to date with their state', async () => {
    const flags = ['--snapshot-count=50', '--snapshot-catchup-entries=5'];
    await using cluster = await TestCluster.start({ flags });
    const leader = await cluster.leader();
    const away = cluster.member((leader.index + 1) % 3);
    await away.kill();
    using client = leader.client();
    for (let i = 0; i < 200; i++) {
      await client.kv.put({ key: bytes(`k${i}`), value: bytes('x'.repeat(1000)) });
    }
    await away.restart();
    using late = away.client();
    const { count } = await late.kv.range({ key: bytes('k'), rangeEnd: bytes('l') });
    expect(count).toBe(200n);
    const from = (await late.maintenance.status({})).leader.toString(16);
    expect(await away.metric(`etcd_network_snapshot_receive_success{From="${from}"}`)).toBe(1);
    const hashes = await Promise.all(
      [client, late].map((one) => one.maintenance.hashKV({ revision: 201n })),
    );
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1);
    await away.kill();
    await away.restart();
    using again = away.client();
    await again.kv.put({ key: bytes('after'), value: bytes('x') });
  });

  it('send clients away that want a leader, when there is none', async () => {
    await using cluster = await TestCluster.start({
      flags: ['--heartbeat-interval=20', '--election-timeout=200'],
    });
    const last = cluster.member(0);
    using client = last.client();
    const headers = { hasleader: 'true' };
    const events = client.watch.watch(
      (async function* () {
        yield { requestUnion: { case: 'createRequest' as const, value: { key: bytes('k') } } };
        await new Promise(() => {});
      })(),
      { headers },
    );
    const watch = events[Symbol.asyncIterator]();
    expect((await watch.next()).value?.created).toBe(true);
    await cluster.member(1).kill();
    await cluster.member(2).kill();
    await expect(watch.next()).rejects.toThrow('etcdserver: no leader');
    await expect(
      client.kv.range({ key: bytes('k'), serializable: true }, { headers }),
    ).rejects.toThrow('etcdserver: no leader');
    await client.kv.range({ key: bytes('k'), serializable: true });
    const { errors } = await client.maintenance.status({});
    expect(errors).toEqual(['etcdserver: no leader']);
    const health = await fetch(`${last.url}/health`);
    expect(await health.text()).toContain('RAFT NO LEADER');
    await cluster.member(1).restart();
    await client.kv.put({ key: bytes('k') }, { headers });
  });
});
