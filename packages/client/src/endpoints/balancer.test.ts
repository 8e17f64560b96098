import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { MemberListResponseSchema, type MemberSchema } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';

const key = Uint8Array.of(1);
const put = '/etcdserverpb.KV/Put';

function scene() {
  const cluster = new MemoryCluster();
  const client = new RpcClient({ endpoints: ['a:1', 'b:1', 'c:1'] }, cluster.environment);
  /** Who was asked by so many puts, one after the other. */
  const asked = async (count: number) => {
    const before = cluster.log.length;
    for (let i = 0; i < count; i++) await client.kv.put({ key });
    return cluster.log.slice(before).map((line) => line.split(':')[0]);
  };
  return { cluster, client, asked };
}

describe('an endpoint that failed', () => {
  it('is asked last for a while, and then by one call', async () => {
    const { cluster, client, asked } = scene();
    cluster.moods.set('a:1', 'unavailable');
    await client.kv.put({ key }).catch(() => {});
    expect(await asked(4)).not.toContain('a');
    cluster.moods.delete('a:1');
    expect(await asked(3)).not.toContain('a');
    await cluster.pass(1000);
    expect((await asked(3)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('is asked last for longer when it fails again', async () => {
    const { cluster, client, asked } = scene();
    cluster.moods.set('a:1', 'unavailable');
    await client.kv.put({ key }).catch(() => {});
    await cluster.pass(1000);
    // Reads find out, and go on elsewhere.
    for (let i = 0; i < 3; i++) await client.kv.range({ key });
    cluster.moods.delete('a:1');
    await cluster.pass(1500);
    expect(await asked(6)).not.toContain('a');
    await cluster.pass(500);
    expect(await asked(3)).toContain('a');
  });

  it('is asked by one of many calls while nobody knows how it is', async () => {
    const { cluster, client } = scene();
    cluster.moods.set('a:1', 'unavailable');
    await client.kv.put({ key }).catch(() => {});
    cluster.moods.set('a:1', 'silent');
    await cluster.pass(1000);
    const calls = Array.from({ length: 6 }, () => client.kv.range({ key }));
    await cluster.settle(Promise.allSettled(calls));
    expect(cluster.log.filter((line) => line === 'a:1 /etcdserverpb.KV/Range')).toHaveLength(1);
  });

  it('is asked all the same when there is no other', async () => {
    const { cluster, client } = scene();
    for (const endpoint of client.endpoints) cluster.moods.set(endpoint, 'unavailable');
    const write = () => client.kv.put({ key }).catch(() => {});
    for (let i = 0; i < 6; i++) await write();
    expect(cluster.log.filter((line) => line.endsWith(put))).toHaveLength(6);
  });
});

describe('other endpoints', () => {
  function memberList(...members: MessageInitShape<typeof MemberSchema>[]) {
    return toBinary(MemberListResponseSchema, create(MemberListResponseSchema, { members }));
  }

  it('are those that the members advertise', async () => {
    const { cluster, client, asked } = scene();
    cluster.handle = (path) => {
      if (!path.endsWith('/MemberList')) return undefined;
      return memberList(
        { name: 'one', clientURLs: ['http://b:1', 'c:1'] },
        { name: 'two', clientURLs: ['http://b:1'] },
        { name: 'learner', clientURLs: ['http://l:1'], isLearner: true },
        { name: '', clientURLs: ['http://not-started:1'] },
      );
    };
    await client.syncEndpoints();
    expect(client.endpoints).toEqual(['http://b:1', 'c:1']);
    expect(cluster.log.filter((line) => line.endsWith(' retired'))).toEqual([
      'a:1 retired',
      'b:1 retired',
    ]);
    expect((await asked(2)).sort()).toEqual(['c', 'http']);
  });

  it('stay as they are when the members advertise none', async () => {
    const { cluster, client } = scene();
    cluster.handle = (path) => (path.endsWith('/MemberList') ? memberList() : undefined);
    await expect(client.syncEndpoints()).rejects.toMatchObject({ code: 'configuration' });
    expect(client.endpoints).toEqual(['a:1', 'b:1', 'c:1']);
  });
});
