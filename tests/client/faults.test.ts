import { type Client, ClientError, connect } from '@kvorum/client';
import { afterEach, expect, it } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';
import type { TestMember } from '../framework/member.ts';
import { TestProxy } from './proxy.ts';
import { describeMembers } from './targets.ts';
import { Reading } from './watching.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  while (opened.length > 0) await opened.pop()?.[Symbol.asyncDispose]();
});

function clientOf(...endpoints: string[]): Client {
  const client = connect({ endpoints, timeoutMs: 20_000 });
  opened.push({ [Symbol.asyncDispose]: async () => client.close() });
  return client;
}

/** Writes numbers one after the other until it is stopped; a write without an answer may have been done or not. */
function writer(client: Client, key: string) {
  let isStopped = false;
  let count = 0;
  const done = (async () => {
    for (; !isStopped; count++) {
      try {
        await client.put(key, String(count));
      } catch (error) {
        if (!(error instanceof ClientError && error.retryable)) throw error;
      }
    }
  })();
  return {
    get count() {
      return count;
    },
    stop: async () => {
      isStopped = true;
      await done;
    },
  };
}

/** All that has happened to keys, as a watch from the beginning tells it. */
async function historyOf(client: Client, prefix: string): Promise<string[]> {
  await client.put(`${prefix}end`, '');
  const reading = new Reading(client.watch({ prefix }, { startRevision: 1n }));
  await reading.until(`${prefix}end=`);
  reading.watch.close();
  return reading.texts;
}

describeMembers('faults', (start) => {
  const started = async (): Promise<TestMember> => {
    const member = await start();
    opened.push(member);
    return member;
  };

  it('leave a watch without gap or duplicate: the server is killed, and started again', async () => {
    const member = await started();
    const client = clientOf(member.endpoint);
    const reading = new Reading(client.watch({ prefix: 'k' }));
    await reading.watch.opened;
    const writing = writer(client, 'k');
    for (let round = 0; round < 3; round++) {
      const before = writing.count;
      await eventually('some writes', () => writing.count > before + 20);
      await member.kill();
      await member.restart();
    }
    await writing.stop();
    const history = await historyOf(client, 'k');
    await reading.until('kend=');
    expect(reading.texts).toEqual(history);
    expect(history.length).toBeGreaterThan(60);
  });

  it('leave a watch without gap or duplicate: connections break under load', async () => {
    const member = await started();
    const proxy = await TestProxy.open(member.endpoint);
    opened.push(proxy);
    const client = clientOf(proxy.endpoint);
    const direct = clientOf(member.endpoint);
    const readings = Array.from({ length: 10 }, () => new Reading(client.watch({ prefix: 'k' })));
    await Promise.all(readings.map(({ watch }) => watch.opened));
    const writing = writer(direct, 'k');
    for (let round = 0; round < 10; round++) {
      const before = writing.count;
      await eventually('some writes', () => writing.count > before + 20);
      proxy.breakOpen();
    }
    await writing.stop();
    const history = await historyOf(direct, 'k');
    for (const reading of readings) {
      await reading.until('kend=');
      expect(reading.texts).toEqual(history);
    }
  });

  it('are told when events were compacted away meanwhile', async () => {
    const member = await started();
    const proxy = await TestProxy.open(member.endpoint);
    opened.push(proxy);
    const client = clientOf(proxy.endpoint);
    const direct = clientOf(member.endpoint);
    await direct.put('k/kept', '1');
    await direct.put('k/gone', '1');
    const keys = { prefix: 'k/' };
    const throwing = new Reading(client.watch(keys));
    const relisting = new Reading(client.watch(keys, { onCompaction: 'relist' }));
    await Promise.all([throwing.watch.opened, relisting.watch.opened]);
    await direct.put('k/seen', '1');
    await relisting.until('k/seen=1');
    await throwing.until('k/seen=1');
    proxy.refuse();
    await direct.put('k/new', '1');
    await direct.put('k/new', '2');
    await direct.delete('k/gone');
    await direct.put('k/brief', '1');
    const { revision } = await direct.delete('k/brief');
    await direct.rpc.kv.compact({ revision, physical: true });
    proxy.breakOpen();
    await expect(throwing.ended).rejects.toMatchObject({
      code: 'compacted',
      compactRevision: revision,
    });
    await relisting.until('~-k/gone');
    await direct.put('k/after', '1');
    await relisting.until('k/after=1');
    expect(relisting.texts).toEqual(['k/seen=1', '~k/new=2', '~-k/gone', 'k/after=1']);
  });

  it('that cost a lease are told before the server can have expired it', async () => {
    const member = await started();
    const proxy = await TestProxy.open(member.endpoint);
    opened.push(proxy);
    const client = clientOf(proxy.endpoint);
    const direct = clientOf(member.endpoint);
    const lease = await client.lease(3);
    await client.put('held', 'x', { lease });
    const order: string[] = [];
    lease.signal.addEventListener('abort', () => order.push('signal'));
    const watch = direct.watch('held');
    await watch.opened;
    proxy.swallow();
    for await (const event of watch) {
      order.push(event.type);
      break;
    }
    expect(order).toEqual(['signal', 'delete']);
    expect(lease.signal.reason).toMatchObject({ code: 'leaseExpired' });
  });

  it('do not cost a lease whose server is back in time', async () => {
    const member = await started();
    const client = clientOf(member.endpoint);
    const lease = await client.lease(20);
    await client.put('held', 'x', { lease });
    await member.kill();
    await member.restart();
    const { remainingMs } = lease;
    await eventually('the lease is renewed', () => lease.remainingMs > remainingMs);
    expect(lease.signal.aborted).toBe(false);
    expect((await client.get('held'))?.lease).toBe(lease.id);
  });
});

it('a watch goes on at another member of Kvorum when its own is killed, or loses the others', async () => {
  const cluster = await TestCluster.start();
  opened.push(cluster);
  const client = clientOf(...cluster.members.map(({ endpoint }) => endpoint));
  const readings = Array.from({ length: 5 }, () => new Reading(client.watch({ prefix: 'k' })));
  await Promise.all(readings.map(({ watch }) => watch.opened));
  await using lease = await client.lease(20);
  await using cache = client.cache({ prefix: 'k' });
  await cache.ready;
  const writing = writer(client, 'k');
  for (const member of cluster.members) {
    const before = writing.count;
    await eventually('some writes', () => writing.count > before + 20);
    await member.kill();
    const then = writing.count;
    await eventually('writes go on', () => writing.count > then + 20);
    await member.restart();
    await cache.synced();
    expect(Number(cache.get('k')?.string())).toBeGreaterThanOrEqual(then);
  }
  await writing.stop();
  const history = await historyOf(client, 'k');
  for (const reading of readings) {
    await reading.until('kend=');
    expect(reading.texts).toEqual(history);
  }
  await cache.synced();
  expect(cache.get('k')?.modRevision).toBe((await client.get('k'))?.modRevision);
  expect(lease.signal.aborted).toBe(false);
});
