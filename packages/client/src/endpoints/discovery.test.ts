import { describe, expect, it } from 'vitest';
import { RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { discoverEndpoints, parseDiscovery } from './discovery.ts';
import type { SrvRecord } from './srv.ts';

const secure = '_etcd-client-ssl._tcp.example.com';
const insecure = '_etcd-client._tcp.example.com';
const key = Uint8Array.of(1);

/** A resolver that knows these records, and what it was asked. */
function dnsWith(records: Record<string, readonly SrvRecord[] | Error>) {
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    const found = records[name] ?? Object.assign(new Error('queryA'), { code: 'ENOTFOUND' });
    if (found instanceof Error) throw found;
    return found;
  };
  return { asked, resolve, records };
}

describe('endpoints in DNS', () => {
  it.each([
    ['dns+srv://example.com', { domain: 'example.com', name: '' }],
    ['DNS+SRV://example.com/?name=two', { domain: 'example.com', name: 'two' }],
    ['dns+srv://', undefined],
    ['dns+srv://a/b', undefined],
    ['http://example.com', undefined],
  ])('are meant by %s', (text, discovery) => {
    expect(parseDiscovery(text)).toEqual(discovery);
  });

  it("are found under etcd's names", async () => {
    const { resolve, asked } = dnsWith({
      '_etcd-client-ssl-two._tcp.example.com': [{ target: 'a.example.com.', port: 1 }],
      '_etcd-client-two._tcp.example.com': [{ target: '::1', port: 2, priority: 3, weight: 4 }],
    });
    const found = await discoverEndpoints(resolve, { domain: 'example.com', name: 'two' });
    expect(asked).toHaveLength(2);
    expect(found).toEqual({
      secure: ['https://a.example.com:1'],
      insecure: ['http://[::1]:2'],
      endpoints: [
        { url: 'https://a.example.com:1', priority: 0, weight: 0 },
        { url: 'http://[::1]:2', priority: 3, weight: 4 },
      ],
    });
  });

  it('are not there, for reasons that are told', async () => {
    const late = Object.assign(new Error('x'), { code: 'ETIMEOUT' });
    const { resolve } = dnsWith({ [secure]: late, [insecure]: [] });
    const looking = discoverEndpoints(resolve, { domain: 'example.com', name: '' });
    await expect(looking).rejects.toMatchObject({
      code: 'unreachable',
      failures: [
        { endpoint: secure, reason: 'dns' },
        { endpoint: insecure, reason: 'dns', message: `lookup ${insecure}: no such host` },
      ],
      message: `dns lookup errors: lookup ${secure}: the DNS server gave no answer in time and lookup ${insecure}: no such host`,
    });
  });
});

describe('a client of endpoints in DNS', () => {
  function scene(records: Record<string, readonly SrvRecord[] | Error>, endpoints?: string[]) {
    const dns = dnsWith(records);
    const cluster = new MemoryCluster();
    const client = new RpcClient(
      { endpoints: endpoints ?? ['dns+srv://example.com'], timeoutMs: 60_000 },
      { ...cluster.environment, discover: (one) => discoverEndpoints(dns.resolve, one) },
    );
    return { dns, cluster, client };
  }

  it('looks them up once for all calls that wait, when the first one is made', async () => {
    const { dns, cluster, client } = scene({ [insecure]: [{ target: 'a', port: 1 }] });
    expect([client.endpoints, dns.asked]).toEqual([[], []]);
    await Promise.all([1, 2].map(() => client.kv.range({ key })));
    await client.kv.range({ key });
    expect(dns.asked).toEqual([secure, insecure]);
    expect(client.endpoints).toEqual(['http://a:1']);
    expect(cluster.log).toHaveLength(3);
  });

  it('takes no step back from TLS', async () => {
    const one = [{ target: 'a', port: 1 }];
    const { client } = scene({ [secure]: one, [insecure]: one });
    await client.kv.range({ key });
    expect(client.endpoints).toEqual(['https://a:1']);
  });

  it('goes on with those that were named', async () => {
    const { client } = scene({}, ['b:1', 'dns+srv://example.com']);
    await client.kv.range({ key });
    expect(client.endpoints).toEqual(['b:1']);
  });

  it('looks again until its time is over, and tells why it found nobody', async () => {
    const { cluster, client, dns } = scene({});
    const call = client.kv.range({ key }, { timeoutMs: 200 }).catch((error: unknown) => error);
    expect(await cluster.settle(call)).toMatchObject({
      code: 'unreachable',
      failures: [{ endpoint: secure, reason: 'dns' }, { endpoint: insecure }],
    });
    expect(dns.asked.length).toBeGreaterThan(2);
  });

  it('asks whether others have taken their places when nobody answers', async () => {
    const { cluster, client, dns } = scene({ [insecure]: [{ target: 'a', port: 1 }] });
    await client.kv.range({ key });
    cluster.moods.set('http://a:1', 'down');
    dns.records[insecure] = [{ target: 'b', port: 1 }];
    await cluster.settle(client.kv.put({ key }));
    expect(client.endpoints).toEqual(['http://b:1']);
    expect(cluster.log.slice(-2)).toEqual([
      'http://a:1 retired',
      'http://b:1 /etcdserverpb.KV/Put',
    ]);
    expect(dns.asked).toHaveLength(4);
  });

  it('asks so for streams too', async () => {
    const { cluster, client, dns } = scene({ [insecure]: [{ target: 'a', port: 1 }] });
    const open = async () => {
      const stream = client.watch.watch();
      stream.send({ requestUnion: { case: 'progressRequest', value: {} } });
      await cluster.pass(0);
      return stream;
    };
    const first = await open();
    cluster.lastStream.lose();
    await expect(first[Symbol.asyncIterator]().next()).rejects.toMatchObject({ retryable: true });
    cluster.moods.set('http://a:1', 'down');
    dns.records[insecure] = [{ target: 'b', port: 1 }];
    await cluster.pass(10_000);
    const second = await open();
    expect(cluster.lastStream.endpoint).toBe('http://b:1');
    second.cancel();
    // Not more often than every ten seconds.
    cluster.moods.set('http://b:1', 'down');
    for (let at = 0; at < 5; at++) await open();
    expect(dns.asked).toHaveLength(4);
  });

  it('needs DNS', () => {
    const { environment } = new MemoryCluster();
    const make = () => new RpcClient({ endpoints: ['dns+srv://example.com'] }, environment);
    expect(make).toThrow(/needs DNS/);
  });
});
