import { type Client, connect } from '@kvorum/client';
import { expect, it } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';
import { PeerNetwork } from '../framework/proxy.ts';

/** What reads of a key see that any member may answer, one after the other. */
async function seenBy(client: Client, count: number): Promise<number[]> {
  const seen: number[] = [];
  for (let at = 0; at < count; at++) {
    seen.push(Number((await client.get('k', { serializable: true }))?.string()));
  }
  return seen;
}

// Only Kvorum, and only on Linux: there a member can be cut off from the others.
it.skipIf(process.platform !== 'linux')(
  'monotonicReads never go back to a late member',
  async () => {
    await using network = await PeerNetwork.open(3);
    await using cluster = await TestCluster.start({ peerPortOf: network.portBefore });
    network.watch(() => cluster.members);
    const endpoints = cluster.members.map(({ endpoint }) => endpoint);
    await using ordered = connect({ endpoints, monotonicReads: true });
    await using plain = connect({ endpoints });
    await plain.put('k', '1');
    await eventually('all have the first value', async () => {
      return (await seenBy(plain, 3)).every((value) => value === 1);
    });
    const leader = await cluster.leader();
    const late = cluster.members.find((member) => member !== leader);
    if (late === undefined) throw new Error('all of them lead');
    network.isolate(late.index);
    await using writer = connect({ endpoints: [leader.endpoint] });
    await writer.put('k', '2');
    await eventually('two have the second value', async () => {
      return (await seenBy(plain, 3)).filter((value) => value === 2).length === 2;
    });

    const seen = await seenBy(ordered, 12);
    // Whichever was asked first: after a member that has it, all of them have.
    expect(seen).toEqual(seen.toSorted());
    expect(seen.slice(1)).toEqual(Array.from({ length: 11 }, () => 2));
    ordered.rpc.setEndpoints([late.endpoint]);
    const lone = ordered.get('k', { serializable: true, timeoutMs: 300 });
    await expect(lone).rejects.toMatchObject({ code: 'behind', failures: [{ reason: 'behind' }] });
    const waiting = ordered.get('k', { serializable: true });
    network.heal();
    expect((await waiting)?.string()).toBe('2');
  },
);
