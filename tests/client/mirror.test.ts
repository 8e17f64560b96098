import { type Client, connect, mirror, op } from '@kvorum/client';
import { beforeEach, expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { TestProxy } from './proxy.ts';
import { describeMembers, describeTargets } from './targets.ts';

let spaces = 0;

async function contentOf(client: Client, prefix: string): Promise<string[]> {
  const entries = await client.namespace(prefix).getAll({ prefix: '' }).toArray();
  return entries.map((entry) => `${entry.keyString()}=${entry.string()}`);
}

describeTargets('a mirror', (target) => {
  let client: Client;
  beforeEach(() => {
    client = target().connect().namespace(`mirror-${spaces++}/`);
  });

  it('copies what there is, and goes on with what changes', async () => {
    const writes = Array.from({ length: 300 }, (_, at) => op.put(`from/${at}`, 'v'.repeat(at)));
    for (let at = 0; at < 300; at += 100) {
      await client
        .txn()
        .then(...writes.slice(at, at + 100))
        .commit();
    }
    const options = {
      prefix: 'from/',
      destinationPrefix: 'to/',
      checkpoint: 'noted',
      maxTxnOps: 50,
    };
    const first = mirror(client, client, options);
    await first.ready;
    expect(await contentOf(client, 'to/')).toEqual(await contentOf(client, 'from/'));
    await client.delete({ prefix: 'from/1' });
    const { revision } = await client.put('from/new', 'x');
    await first.syncedTo(revision);
    expect(await contentOf(client, 'to/')).toEqual(await contentOf(client, 'from/'));
    expect(first.written).toBe(300 + 111 + 1);
    await first[Symbol.asyncDispose]();

    await client.put('from/later', 'x');
    await using second = mirror(client, client, options);
    await second.ready;
    await second.syncedTo((await client.delete('from/new')).revision);
    expect(await contentOf(client, 'to/')).toEqual(await contentOf(client, 'from/'));
    expect(second.written).toBe(2);
  });

  it('leaves other keys alone, unless told to delete them', async () => {
    await client.put('from/a', '1');
    await client.put('to/b', '2');
    await client.put('too', '3');
    const options = { prefix: 'from/', destinationPrefix: 'to/' };
    await using keeping = mirror(client, client, options);
    await keeping.ready;
    expect(await contentOf(client, 'to/')).toEqual(['a=1', 'b=2']);
    await using pruning = mirror(client, client, { ...options, prune: true });
    await pruning.ready;
    expect(await contentOf(client, 'to')).toEqual(['/a=1', 'o=3']);
  });
});

describeMembers('a mirror under faults', (start) => {
  it('goes on when either side is back, and has everything', async () => {
    await using member = await start();
    await using proxy = await TestProxy.open(member.endpoint);
    await using source = connect({ endpoints: [member.endpoint] });
    await using destination = connect({ endpoints: [proxy.endpoint] });
    const options = { prefix: 'from/', destinationPrefix: 'to/', prune: true, checkpoint: 'noted' };
    await using copying = mirror(source, destination, options);
    await copying.ready;
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 20; at++) await source.put(`from/${at % 7}`, `${round}/${at}`);
      proxy.breakOpen();
      await source.delete('from/3');
    }
    proxy.refuse();
    const { revision } = await source.put('from/1', 'last');
    await member.kill();
    await member.restart();
    await source.compact(revision, { physical: true });
    proxy.breakOpen();
    await copying.syncedTo(revision);
    expect(await contentOf(source, 'to/')).toEqual(await contentOf(source, 'from/'));
    await eventually('the checkpoint', async () => {
      return BigInt((await source.get('noted'))?.string() ?? 0) >= revision;
    });
  });
});
