import { connectRpc, type RpcClient } from '@kvorum/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';

let cluster: TestCluster;
let urls: string[];
beforeAll(async () => {
  cluster = await TestCluster.start();
  urls = cluster.members.map(({ endpoint }) => `http://${endpoint}`);
});
afterAll(() => cluster[Symbol.asyncDispose]());

const key = Uint8Array.of(1);

async function leaderOf(client: RpcClient): Promise<bigint> {
  return (await client.maintenance.status({})).leader;
}

/** The members that answer so many writes. */
async function writers(client: RpcClient, count: number): Promise<Set<bigint | undefined>> {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(await client.kv.put({ key }));
  return new Set(answers.map(({ header }) => header?.memberId));
}

describe('a client of three members', () => {
  it('that knows one of them gets to know the others, while a watch goes on', async () => {
    using client = connectRpc({ endpoints: [cluster.members[0]?.endpoint ?? ''] });
    const watch = client.watch.watch();
    watch.send({ requestUnion: { case: 'createRequest', value: { key } } });
    const responses = watch[Symbol.asyncIterator]();
    expect((await responses.next()).value.created).toBe(true);
    await client.syncEndpoints();
    expect([...client.endpoints].sort()).toEqual([...urls].sort());
    expect((await writers(client, 6)).size).toBe(3);
    expect((await responses.next()).value.events).toHaveLength(1);
  });

  it('that prefers the leader finds it, and its successor', async () => {
    using client = connectRpc({ endpoints: urls, preferLeader: true });
    const goesToLeader = async () => {
      const leader = await leaderOf(client);
      return leader !== 0n && [...(await writers(client, 3))].join() === String(leader);
    };
    await eventually('writes that all go to the leader', goesToLeader);
    const { members } = await client.cluster.memberList({});
    const before = await leaderOf(client);
    const other = members.find(({ ID }) => ID !== before)?.ID ?? 0n;
    await eventually('another leader', async () => {
      await Promise.allSettled(
        urls.map(async (url) => {
          using one = connectRpc({ endpoints: [url] });
          await one.maintenance.moveLeader({ targetID: other });
        }),
      );
      return (await leaderOf(client)) === other;
    });
    await eventually('writes that all go to the new leader', goesToLeader);
  });
});
