import type { SrvRecord } from '@kvorum/client';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logging/logger.ts';
import { type DiscoveryQuery, discoverMembers } from './discovery.ts';

const zone: Record<string, readonly SrvRecord[]> = {
  '_etcd-client-ssl._tcp.both.test': [
    { target: 'a.both.test.', port: 1, priority: 1, weight: 2 },
    { target: 'evil.test', port: 2, priority: 0, weight: 0 },
  ],
  '_etcd-client._tcp.both.test': [{ target: 'b.both.test', port: 3, priority: 0, weight: 0 }],
  '_etcd-client-east._tcp.both.test': [{ target: 'c.both.test', port: 4, priority: 0, weight: 0 }],
};

async function discover(query: Partial<DiscoveryQuery>): Promise<string[]> {
  const servers = await discoverMembers(
    {
      resolveSrv: async (name) => {
        const records = zone[name];
        if (records === undefined) {
          throw Object.assign(new Error('querySrv ENOTFOUND'), { code: 'ENOTFOUND' });
        }
        return records;
      },
      validate: async (url) => {
        if (url.includes('evil')) throw new Error('certificate of somebody else');
      },
      logger: silentLogger,
    },
    { domain: 'both.test', serviceName: '', isInsecure: false, ...query },
  );
  return servers.map(({ url }) => url);
}

describe('discovery by DNS', () => {
  it('takes servers that prove to belong to the domain', async () => {
    expect(await discover({})).toEqual(['https://a.both.test:1']);
  });

  it('takes all when told to', async () => {
    expect(await discover({ isInsecure: true })).toEqual([
      'https://a.both.test:1',
      'https://evil.test:2',
      'http://b.both.test:3',
    ]);
  });

  it('knows several clusters in a domain', async () => {
    expect(await discover({ serviceName: 'east', isInsecure: true })).toEqual([
      'http://c.both.test:4',
    ]);
    expect(await discover({ serviceName: 'east' })).toEqual([]);
  });

  it('says what was looked for in vain', async () => {
    await expect(discover({ domain: 'none.test' })).rejects.toThrow(
      'dns lookup errors: lookup _etcd-client-ssl._tcp.none.test: no such host and ' +
        'lookup _etcd-client._tcp.none.test: no such host',
    );
  });
});
