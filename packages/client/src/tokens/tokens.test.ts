import { describe, expect, it } from 'vitest';
import { type ClientOptions, RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { lifetimeOf } from './jwt.ts';

const key = Uint8Array.of(1);

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.signature`;
}

/** A cluster that knows the time of day, and a client that gets a token of 100 s whenever it asks for one. */
function scene(options: Partial<ClientOptions> = {}, lifetimeSeconds = 100) {
  const cluster = new MemoryCluster();
  const wallClock = () => 1_000_000 + cluster.nowMs;
  const given: string[] = [];
  let failure: Error | undefined;
  const token = async () => {
    if (failure !== undefined) throw failure;
    const exp = wallClock() / 1000 + lifetimeSeconds;
    given.push(jwt({ exp, number: given.length }));
    return given.at(-1) ?? '';
  };
  const client = new RpcClient(
    { endpoints: ['a:1'], token, ...options },
    { ...cluster.environment, wallClock },
  );
  const bearing = async () => {
    await client.kv.range({ key });
    return given.indexOf(cluster.seenTokens.at(-1) ?? '');
  };
  const fail = (error: Error | undefined) => {
    failure = error;
  };
  return { cluster, client, given, bearing, fail };
}

describe('how long a token may be used', () => {
  it.each([
    [jwt({ exp: 1100 }), 1_000_000, 100_000],
    [jwt({ exp: 1100 }), undefined, undefined],
    [jwt({ exp: 1100, iat: 1090 }), 1_000_000, 10_000],
    [jwt({ exp: 900 }), 1_000_000, 0],
    [jwt({ exp: 'x' }), 1_000_000, undefined],
    [jwt({ username: 'grüße', exp: 1001 }), 1_000_000, 1000],
    ['simple.token', 1_000_000, undefined],
    ['a.not base64.c', 1_000_000, undefined],
    ['', 1_000_000, undefined],
  ])('is read from %s', (token, wallClockMs, lifetimeMs) => {
    expect(lifetimeOf(token, wallClockMs)).toBe(lifetimeMs);
  });
});

describe('a token that ends', () => {
  it('is renewed ahead of its end, and no call waits for it', async () => {
    const { cluster, bearing, given } = scene();
    expect(await bearing()).toBe(0);
    await cluster.pass(79_000);
    expect(await bearing()).toBe(0);
    await cluster.pass(1000);
    expect(await bearing()).toBe(0);
    expect(given).toHaveLength(2);
    expect(await bearing()).toBe(1);
  });

  it('is renewed once for all calls', async () => {
    const { cluster, client, given } = scene();
    await Promise.all([1, 2, 3].map(() => client.kv.range({ key })));
    expect(given).toHaveLength(1);
    await cluster.pass(200_000);
    await Promise.all([1, 2, 3].map(() => client.kv.range({ key })));
    expect(given).toHaveLength(2);
  });

  it('goes on to be used when its renewal fails, and that is tried again', async () => {
    const { cluster, bearing, given, fail } = scene();
    await bearing();
    await cluster.pass(85_000);
    fail(new Error('nobody gives tokens now'));
    expect(await bearing()).toBe(0);
    expect(await bearing()).toBe(0);
    fail(undefined);
    await cluster.pass(1000);
    await bearing();
    expect(await bearing()).toBe(1);
    expect(given).toHaveLength(2);
  });

  it('is renewed when it is refused', async () => {
    const { cluster, client, given } = scene();
    await client.kv.range({ key });
    cluster.validToken = 'of a restarted server';
    await expect(client.kv.range({ key })).rejects.toMatchObject({ code: 'invalidAuthToken' });
    expect(given).toHaveLength(2);
  });

  it('is left to the server when our clock says that it is over', async () => {
    const { bearing, given } = scene({}, -5);
    expect([await bearing(), await bearing()]).toEqual([0, 0]);
    expect(given).toHaveLength(1);
  });
});

describe('a stream whose token is refused', () => {
  it('begins again with another one', async () => {
    const { cluster, client, given } = scene();
    await client.kv.range({ key });
    const stream = client.watch.watch();
    const reading = stream[Symbol.asyncIterator]().next();
    await cluster.pass(0);
    cluster.lastStream.refuse();
    await cluster.pass(0);
    expect(cluster.streams).toHaveLength(2);
    expect(given).toHaveLength(2);
    cluster.lastStream.refuse();
    await expect(reading).rejects.toMatchObject({ code: 'invalidAuthToken' });
  });
});
