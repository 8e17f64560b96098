import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Permission_Type } from '@kvorum/api';
import { type Client, connect, op } from '@kvorum/client';
import { describe, expect, it } from 'vitest';
import { Reading } from '../client/watching.ts';
import { Certificate } from '../framework/certificate.ts';
import { eventually } from '../framework/eventually.ts';
import {
  etcdProgram,
  kvorumProgram,
  type ServerProgram,
  startKvorum,
  TestMember,
} from '../framework/member.ts';
import { readMetric } from '../framework/metric.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { Crowd } from './crowd.ts';
import { ProxyProgram, runKvorum } from './proxy-program.ts';

/** More of them for a longer run. */
const crowdSize = Number(process.env.KVORUM_PROXY_CLIENTS ?? 200);

const real = realEtcd('3.5');
const openssl = systemProgram('openssl');
const programs: readonly (readonly [string, ServerProgram | undefined])[] = [
  ['Kvorum', kvorumProgram()],
  ['etcd 3.5', real && etcdProgram(real)],
];

function startProxy(member: TestMember, ...flags: string[]): Promise<ProxyProgram> {
  return ProxyProgram.start('grpc-proxy', [`--endpoints=${member.endpoint}`, ...flags]);
}

describe.each(programs)('kvorum grpc-proxy before %s', (_name, program) => {
  const itsOwn = it.skipIf(program === undefined);
  const start = () => {
    if (program === undefined) throw new Error('there is no such member');
    return TestMember.start(program, {});
  };

  itsOwn('has 1,000 watchers of one key share one watch', async () => {
    await using member = await start();
    await using proxy = await startProxy(member);
    const clients = Array.from({ length: 20 }, () => connect({ endpoints: [proxy.endpoint] }));
    const [writer] = clients;
    try {
      await writer?.put('k', '0');
      const watches = clients.flatMap((client) => {
        return Array.from({ length: 50 }, () => client.watch('k'));
      });
      const readings = watches.map((watch) => new Reading(watch));
      await Promise.all(watches.map((watch) => watch.opened));
      expect(await member.metric('etcd_debugging_mvcc_watcher_total')).toBe(1);
      // One with the watch, and one that ends when there is no leader, which these clients want to know.
      await eventually('two streams', async () => {
        return (await member.metric('etcd_debugging_mvcc_watch_stream_total')) === 2;
      });
      const coalescing = 'etcd_grpc_proxy_watchers_coalescing_total';
      expect(await readMetric(`${proxy.url}/proxy`, coalescing)).toBe(999);
      for (let i = 1; i <= 5; i++) await writer?.put('k', `${i}`);
      await writer?.delete('k');
      await eventually(
        'all events at all watchers',
        () => {
          return readings.every(({ texts }) => texts.at(-1) === '-k');
        },
        30_000,
      );
      const histories = new Set(readings.map(({ texts }) => texts.join(' ')));
      expect([...histories]).toEqual(['k=1 k=2 k=3 k=4 k=5 -k']);
      for (const watch of watches) watch.close();
      await eventually('no watch at the member', async () => {
        return (await member.metric('etcd_debugging_mvcc_watcher_total')) === 0;
      });
    } finally {
      for (const client of clients) client.close();
    }
  });

  itsOwn(`holds ${crowdSize} clients through a restart of the member`, async () => {
    await using member = await start();
    await using proxy = await startProxy(member);
    await using crowd = await Crowd.gather(crowdSize, proxy.endpoint, 'k');
    const { first } = crowd;
    await first.put('k1', 'before');
    await crowd.histories('k1=before');
    await member.kill();
    await member.restart();
    await first.put('k2', 'after');
    await first.put('k1', 'again');
    expect(await crowd.histories('k1=again')).toEqual(['k1=before k2=after k1=again']);
  });
});

describe('kvorum grpc-proxy', () => {
  it('shows the keys below its namespace alone', async () => {
    await using member = await startKvorum();
    await using proxy = await startProxy(member, '--namespace=ours/');
    await using inside = connect({ endpoints: [proxy.endpoint] });
    await using outside = connect({ endpoints: [member.endpoint] });
    await outside.put('ours', 'not ours');
    await outside.put('theirs/a', 'not ours');
    await using watch = inside.watch({ prefix: '' }, { previous: true });
    const reading = new Reading(watch);
    await watch.opened;
    await inside.put('a', '1');
    await using lease = await inside.lease(60);
    await inside
      .txn()
      .then(op.put('b', '2', { lease }))
      .commit();
    await outside.put('ours/d', 'seen');
    await reading.until('d=seen');
    expect(reading.texts).toEqual(['a=1', 'b=2', 'd=seen']);
    expect(await keysOf(inside)).toEqual(['a', 'b', 'd']);
    expect(await keysOf(outside)).toEqual(['ours', 'ours/a', 'ours/b', 'ours/d', 'theirs/a']);
    const { keys } = await inside.rpc.lease.leaseTimeToLive({ ID: lease.id, keys: true });
    expect(keys.map((key) => Buffer.from(key).toString())).toEqual(['b']);
    const locked = await inside.rpc.lock.lock({ name: Buffer.from('lock') });
    expect(Buffer.from(locked.key).toString()).toMatch(/^lock\//);
    await inside.rpc.lock.unlock({ key: locked.key });
    const { deleted } = await inside.delete({ prefix: '' });
    expect(deleted).toBe(3);
    expect(await keysOf(outside)).toEqual(['ours', 'theirs/a']);
  });

  it('tells clients of the proxies that have registered', async () => {
    await using member = await startKvorum();
    const flags = ['--resolver-prefix=/proxies', '--resolver-ttl=60'];
    const [one, two] = await Promise.all(
      ['http://one:1', 'http://two:2'].map((address) =>
        startProxy(member, ...flags, `--advertise-client-url=${address}`),
      ),
    );
    if (one === undefined || two === undefined) throw new Error('no proxies');
    await using proxies = {
      one,
      two,
      [Symbol.asyncDispose]: async () => {
        await Promise.all([one, two].map((proxy) => proxy[Symbol.asyncDispose]()));
      },
    };
    await using client = connect({ endpoints: [proxies.one.endpoint] });
    const urls = async () => {
      const { members } = await client.rpc.cluster.memberList({});
      return members.flatMap(({ clientURLs }) => clientURLs).sort();
    };
    await eventually('both proxies', async () => (await urls()).length === 2);
    expect(await urls()).toEqual(['http://one:1', 'http://two:2']);
    expect(await proxies.two.process.stop()).toEqual({ code: 0, signal: null });
    await eventually('one proxy', async () => (await urls()).length === 1);
    expect(await urls()).toEqual(['http://one:1']);
  });

  it('answers reads from its cache until the keys change', async () => {
    await using member = await startKvorum();
    await using proxy = await startProxy(member);
    await using client = connect({ endpoints: [proxy.endpoint] });
    await using other = connect({ endpoints: [member.endpoint] });
    const read = async () => (await client.get('k', { serializable: true }))?.string();
    const hits = () => readMetric(`${proxy.url}/proxy`, 'etcd_grpc_proxy_cache_hits_total');
    await client.put('k', '1');
    expect([await read(), await read(), await hits()]).toEqual(['1', '1', 1]);
    await client.put('k', '2');
    expect([await read(), await hits()]).toEqual(['2', 1]);
    await client.delete({ prefix: '' });
    expect([await read(), await hits()]).toEqual([undefined, 1]);
    await using watch = client.watch('k');
    const reading = new Reading(watch);
    await watch.opened;
    await other.put('k', '3');
    await reading.until('k=3');
    expect(await read()).toBe('3');
  });

  it('shows nobody what others may read', async () => {
    await using member = await startKvorum();
    await using proxy = await startProxy(member);
    const endpoints = [proxy.endpoint];
    const as = (name: string) => connect({ endpoints, credentials: { name, password: name } });
    await using anybody = connect({ endpoints });
    const { auth } = anybody.rpc;
    await anybody.put('k', '1');
    for (const name of ['root', 'alice', 'bob']) await auth.userAdd({ name, password: name });
    await auth.roleAdd({ name: 'reader' });
    const perm = { permType: Permission_Type.READ, key: Buffer.from('k') };
    await auth.roleGrantPermission({ name: 'reader', perm });
    await auth.roleAdd({ name: 'root' });
    await auth.userGrantRole({ user: 'alice', role: 'reader' });
    await auth.userGrantRole({ user: 'root', role: 'root' });
    const read = (client: Client) => client.get('k', { serializable: true });
    expect((await read(anybody))?.string()).toBe('1');
    await auth.authEnable({});
    await using root = as('root');
    await using alice = as('alice');
    await using bob = as('bob');
    await using watch = alice.watch('k');
    const reading = new Reading(watch);
    await watch.opened;
    expect((await read(alice))?.string()).toBe('1');
    await expect(read(bob)).rejects.toMatchObject({ code: 'permissionDenied' });
    await expect(read(anybody)).rejects.toMatchObject({ code: 'userEmpty' });
    await expect(bob.watch('k').opened).rejects.toMatchObject({ code: 'permissionDenied' });
    await root.put('k', '2');
    await reading.until('k=2');
    expect((await read(alice))?.string()).toBe('2');
    await root.rpc.auth.userRevokeRole({ name: 'alice', role: 'reader' });
    await expect(read(alice)).rejects.toMatchObject({ code: 'permissionDenied' });
  });

  it.skipIf(openssl === undefined)(
    'serves clients over TLS, and proves itself to members',
    async () => {
      using certificate = new Certificate(openssl ?? '');
      const { file, keyFile, cert: ca, key } = certificate;
      const tls = [`--cert-file=${file}`, `--key-file=${keyFile}`];
      await using member = await startKvorum();
      await using strict = await startProxy(member, ...tls, `--trusted-ca-file=${file}`);
      const endpoints = [`https://${strict.endpoint}`];
      await using client = connect({ endpoints, tls: { ca, cert: ca, key } });
      await client.put('k', 'v');
      await using stranger = connect({ endpoints, tls: { ca }, timeoutMs: 1000 });
      await expect(stranger.get('k')).rejects.toMatchObject({
        code: expect.stringMatching(/^(unreachable|timeout)$/),
      });
      await using inner = await startProxy(member, ...tls);
      const toInner = [`--endpoints=https://${inner.endpoint}`, `--cacert=${file}`];
      await using outer = await ProxyProgram.start('grpc-proxy', toInner);
      await using plain = connect({ endpoints: [outer.endpoint] });
      expect((await plain.get('k'))?.string()).toBe('v');
      expect((await fetch(`${outer.url}/version`)).status).toBe(200);
      const shown = [`--cert=${file}`, `--key=${keyFile}`];
      const named = await runKvorum('grpc-proxy', 'start', ...toInner, ...shown);
      expect(named.stderr).toContain('kvorum: cert has non empty Common Name (localhost)');
    },
  );

  it('makes a certificate when it is told to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-proxy-'));
    try {
      await using member = await startKvorum();
      await using proxy = await startProxy(member, '--auto-tls', `--data-dir=${folder}`);
      const ca = await readFile(join(folder, 'fixtures/proxy/cert.pem'), 'utf8');
      await using client = connect({ endpoints: [`https://${proxy.endpoint}`], tls: { ca } });
      expect((await client.put('k', 'v')).revision).toBe(2n);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('says how it and the members are', async () => {
    await using member = await startKvorum();
    await using proxy = await startProxy(member, '--metrics-addr=http://127.0.0.1:0');
    const get = async (path: string) => {
      const response = await fetch(`${proxy.url}${path}`);
      return [response.status, await response.text()] as const;
    };
    for (const path of ['/health', '/proxy/health']) {
      // A busy machine may take longer for a read than the check allows.
      const well = '200 {"health":"true","reason":""}';
      await eventually(path, async () => (await get(path)).join(' ') === well);
    }
    expect((await get('/metrics'))[1]).toContain('etcd_server_has_leader 1');
    expect((await get('/proxy/metrics'))[1]).toContain('grpc_server_handled_total');
    expect((await get('/nowhere'))[0]).toBe(404);
    await member.stop();
    const [status, text] = await get('/health');
    expect([status, text]).toEqual([503, expect.stringContaining('GET ERROR:')]);
    expect((await get('/metrics'))[0]).toBe(503);
    const log = proxy.process.stderr;
    await log.line(/"connected to an endpoint","endpoint":"127/);
    await log.line(/"no connection to an endpoint","endpoint":"127/);
  });

  it.each([
    [['start', '--endpoint=x'], 'kvorum: unknown flag: --endpoint; did you mean --endpoints?'],
    [['start', '--endpoints=nonsense://x'], 'kvorum: "nonsense://x" is no endpoint'],
    [['start', '--endpoints=localhost:23790'], 'is the proxy itself'],
    [['start', '--cacert=/nonexistent'], 'kvorum: cannot read --cacert: ENOENT'],
  ])('refuses %j', async (words, told) => {
    const { code, stderr } = await runKvorum('grpc-proxy', ...words);
    expect(code).toBe(1);
    expect(stderr).toContain(told);
  });
});

async function keysOf(client: Client): Promise<string[]> {
  const { entries } = await client.range({ prefix: '' });
  return entries.map((entry) => entry.keyString());
}
