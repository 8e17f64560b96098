import { type Client, connect } from '@kvorum/client';
import { expect, it } from 'vitest';
import { TestProxy } from './proxy.ts';
import { describeMembers } from './targets.ts';
import { Reading } from './watching.ts';

/** Less than the 20 s after which keep-alive finds a dead connection. */
const soonMs = 15_000;

/** Each test waits for what time alone can tell, so they wait together. */
describeMembers('a connection that is open and dead', (start) => {
  it.concurrent('is left by the watches and caches on it, which go on over another', async () => {
    await using member = await start();
    await using proxy = await TestProxy.open(member.endpoint);
    // One endpoint: there is nowhere else to go to, the connection itself has to be given up.
    await using client = connect({ endpoints: [proxy.endpoint] });
    await using direct = connect({ endpoints: [member.endpoint] });
    const reading = new Reading(client.watch('k'));
    await reading.watch.opened;
    await direct.put('k', '1');
    await reading.until('k=1');
    await using cache = client.cache('k');
    await cache.synced();
    const { liveSignal } = cache;
    proxy.swallowOpen();
    await direct.put('k', '2');
    await reading.until('k=2', 50_000);
    expect(reading.texts).toEqual(['k=1', 'k=2']);
    expect(liveSignal.aborted).toBe(true);
    await cache.synced();
    expect(cache.get('k')?.string()).toBe('2');
    expect((await client.get('k'))?.string()).toBe('2');
    reading.watch.close();
  });

  it.concurrent('holds no read for long where there is another endpoint, and no write', async () => {
    await using member = await start();
    await using proxy = await TestProxy.open(member.endpoint);
    await using client = connect({ endpoints: [proxy.endpoint, member.endpoint] });
    await using direct = connect({ endpoints: [member.endpoint] });
    await direct.put('k', '1');
    // Over both.
    for (let at = 0; at < 2; at++) await client.get('k');
    proxy.swallowOpen();
    const options = { timeoutMs: soonMs };
    for (let at = 0; at < 4; at++) {
      expect((await client.get('k', options))?.string()).toBe('1');
    }
    for (let at = 0; at < 4; at++) await client.put('k', '2', options);
  });

  it.concurrent('is given up sooner than by keep-alive when a call waits on it', async () => {
    await using member = await start();
    await using proxy = await TestProxy.open(member.endpoint);
    const ofOne = (): Client => connect({ endpoints: [proxy.endpoint], timeoutMs: soonMs });
    await using reader = ofOne();
    await using writer = ofOne();
    for (const client of [reader, writer]) await client.put('k', '1');
    proxy.swallowOpen();
    const write = expect(writer.put('k', '2')).rejects.toMatchObject({
      mayHaveApplied: true,
      retryable: true,
      code: 'unmapped',
    });
    expect((await reader.get('k'))?.string()).toBe('1');
    await write;
    await writer.put('k', '3');
    expect((await reader.get('k'))?.string()).toBe('3');
  });
});
