import type { SrvRecord } from '@kvorum/client';
import { describe, expect, it } from 'vitest';
import { parseEndpointUrls } from '../config/endpoint-url.ts';
import { LogRecorder } from '../testing/log-recorder.ts';
import type { Dns } from './dns.ts';
import { srvCluster } from './srv-cluster.ts';

const secure = '_etcd-server-ssl._tcp.example.com';
const plain = '_etcd-server._tcp.example.com';

/** DNS that knows these records and hosts alone. */
function dnsWith(
  records: Readonly<Record<string, readonly SrvRecord[]>>,
  hosts: Readonly<Record<string, readonly string[]>> = {},
): Dns {
  const unknown = (what: string) => Object.assign(new Error(what), { code: 'ENOTFOUND' });
  const known = (host: string) => hosts[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : undefined);
  return {
    resolveSrv: async (name) => {
      const found = records[name];
      if (found === undefined) throw unknown('querySrv');
      return found;
    },
    addresses: async (host) => {
      const found = known(host);
      if (found === undefined) throw unknown(`getaddrinfo ENOTFOUND ${host}`);
      return found;
    },
  };
}

const three = {
  'm1.example.com': ['10.0.0.1'],
  'm2.example.com': ['10.0.0.2'],
  'm3.example.com': ['10.0.0.3'],
};
const of = (...hosts: string[]) =>
  hosts.map((host) => ({ target: `${host}.example.com.`, port: 2380 }));

async function find(dns: Dns, name: string, urls: string, serviceName = '') {
  const logger = new LogRecorder();
  const setting = { kind: 'srv', domain: 'example.com', serviceName, servers: [] } as const;
  const self = { name, initialAdvertisePeerUrls: parseEndpointUrls(urls) };
  const members = await srvCluster(setting, self, dns, logger);
  const shown = members.map((member) => {
    return `${member.name}=${member.peerUrls.map(({ href }) => href).join('+')}`;
  });
  return { shown, lines: logger.lines };
}

describe('the members in SRV records', () => {
  it('know themselves by the address that they advertise', async () => {
    const dns = dnsWith({ [plain]: of('m3', 'm1', 'm2') }, three);
    const { shown, lines } = await find(dns, 'two', 'http://10.0.0.2:2380');
    expect(shown).toEqual([
      '0=http://m1.example.com:2380',
      '1=http://m3.example.com:2380',
      'two=http://m2.example.com:2380',
    ]);
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'get cluster for etcd-server-ssl SRV'],
      ['info', 'get cluster for etcd-server SRV'],
      ['warn', 'failed to resolve during SRV discovery'],
      ['info', 'got bootstrap from DNS for etcd-server'],
      ['info', 'got bootstrap from DNS for etcd-server'],
      ['info', 'got bootstrap from DNS for etcd-server'],
    ]);
    expect(lines[2]?.fields).toEqual({
      error: `error querying DNS SRV records for _etcd-server-ssl lookup ${secure}: no such host`,
    });
  });

  it('are found whatever their priority and weight', async () => {
    const records = of('m1', 'm2').map((record, i) => ({ ...record, priority: i, weight: 9 - i }));
    const dns = dnsWith({ [plain]: records }, three);
    const { shown } = await find(dns, 'one', 'http://m1.example.com:2380');
    expect(shown).toEqual(['0=http://m2.example.com:2380', 'one=http://m1.example.com:2380']);
  });

  it('may speak TLS, some or all of them', async () => {
    const dns = dnsWith({ [secure]: of('m1'), [plain]: of('m2') }, three);
    expect((await find(dns, 'one', 'https://10.0.0.1:2380')).shown).toEqual([
      '0=http://m2.example.com:2380',
      'one=https://m1.example.com:2380',
    ]);
  });

  it('are those of one service', async () => {
    const dns = dnsWith({ '_etcd-server-b._tcp.example.com': of('m1') }, three);
    const { shown, lines } = await find(dns, 'one', 'http://m1.example.com:2380', 'b');
    expect(shown).toEqual(['one=http://m1.example.com:2380']);
    expect(lines[0]?.fields).toMatchObject({ 'service-name': 'etcd-server-ssl-b' });
  });

  it('may have several addresses and URLs', async () => {
    const hosts = { ...three, 'm1.example.com': ['10.0.0.9', '2001:db8::1'] };
    const records = [...of('m1', 'm2'), { target: 'm1.example.com', port: 2390 }];
    const { shown } = await find(
      dnsWith({ [plain]: records }, hosts),
      '0',
      'http://[2001:db8:0::1]:2380,http://10.0.0.9:2390',
    );
    expect(shown).toEqual([
      '0=http://m1.example.com:2380+http://m1.example.com:2390',
      '1=http://m2.example.com:2380',
    ]);
  });

  it('are found without those whose host is unknown', async () => {
    const dns = dnsWith({ [plain]: of('m1', 'gone') }, three);
    const { shown, lines } = await find(dns, 'one', 'http://10.0.0.1:2380');
    expect(shown).toEqual(['one=http://m1.example.com:2380']);
    expect(lines).toContainEqual({
      level: 'warn',
      message: 'left an SRV record out',
      fields: {
        url: 'http://gone.example.com:2380',
        error: 'getaddrinfo ENOTFOUND gone.example.com',
      },
    });
  });
});

describe('what is wrong with SRV records', () => {
  const at1 = 'http://10.0.0.1:2380';
  it.each([
    {
      why: 'nobody has any',
      records: {},
      urls: at1,
      text:
        'error setting up initial cluster: ' +
        `error querying DNS SRV records for _etcd-server-ssl lookup ${secure}: no such host; ` +
        `error querying DNS SRV records for _etcd-server lookup ${plain}: no such host`,
    },
    {
      why: 'this member is not among them',
      records: { [plain]: of('m2', 'm3') },
      urls: at1,
      text: 'error setting up initial cluster: cannot find local etcd member "one" in SRV records',
    },
    {
      why: 'this member speaks TLS elsewhere',
      records: { [secure]: of('m1') },
      urls: at1,
      text: /error querying DNS SRV records for _etcd-server-ssl bootstrap at https:\/\/m1\.example\.com:2380 from DNS for etcd-server-ssl has scheme mismatch with expected peer http:\/\/10\.0\.0\.1:2380;/,
    },
    {
      why: 'the own host is unknown',
      records: { [plain]: of('m1') },
      urls: 'http://elsewhere:2380',
      text: 'error setting up initial cluster: getaddrinfo ENOTFOUND elsewhere',
    },
    {
      why: 'an own URL is missing',
      records: { [plain]: of('m1') },
      urls: `${at1},http://10.0.0.1:2390`,
      text:
        '--initial-advertise-peer-urls has http://10.0.0.1:2390 but missing from ' +
        '--initial-cluster=one=http://m1.example.com:2380',
    },
    {
      why: 'one is there twice',
      records: { [plain]: of('m1', 'm2', 'm2') },
      urls: at1,
      text: /^initial cluster .* has duplicate url$/,
    },
  ])('is told: $why', async ({ records, urls, text }) => {
    await expect(find(dnsWith(records, three), 'one', urls)).rejects.toThrow(text);
  });
});
