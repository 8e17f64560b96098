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
});
