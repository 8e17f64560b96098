import { describe, expect, it } from 'vitest';
import { dnsmasqProgram, startDnsmasq } from '../framework/dnsmasq.ts';
import { Etcdctl } from '../framework/etcdctl.ts';
import { startKvorum } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { Crowd } from './crowd.ts';
import { ProxyProgram, runKvorum } from './proxy-program.ts';

/** More of them for a longer run. */
const crowdSize = Number(process.env.KVORUM_PROXY_CLIENTS ?? 200);

const real = realEtcd('3.5');
const dnsmasq = dnsmasqProgram();

describe('kvorum gateway', () => {
  it.skipIf(real === undefined)('is a way in for etcdctl', async () => {
    if (real === undefined) throw new Error('there is no real etcd');
    await using member = await startKvorum();
    await using gateway = await ProxyProgram.start('gateway', [
      `--endpoints=http://127.0.0.1:1,${member.endpoint}`,
      '--retry-delay=1h',
    ]);
    const etcdctl = new Etcdctl(real, gateway.endpoint);
    expect((await etcdctl.run('put', 'a', '1')).stdout).toEqual(['OK']);
    expect((await etcdctl.run('get', 'a')).stdout).toEqual(['a', '1']);
    const health = await fetch(`${gateway.url}/health`);
    expect(await health.json()).toEqual({ health: 'true', reason: '' });
    expect(await gateway.process.stop()).toEqual({ code: 0, signal: null });
    expect(gateway.process.stderr.text).toContain('"deactivated endpoint","address":"127.0.0.1:1"');
  });

  it(`holds ${crowdSize} clients through a restart of the member`, async () => {
    await using member = await startKvorum();
    await using gateway = await ProxyProgram.start('gateway', [`--endpoints=${member.endpoint}`]);
    await using crowd = await Crowd.gather(crowdSize, gateway.endpoint, 'k');
    const { first } = crowd;
    await first.put('k1', 'before');
    await crowd.histories('k1=before');
    await member.kill();
    await member.restart();
    await first.put('k2', 'after');
    expect(await crowd.histories('k2=after')).toEqual(['k1=before k2=after']);
  });

  it.skipIf(dnsmasq === undefined)('finds members in the SRV records of a domain', async () => {
    await using member = await startKvorum();
    const port = Number(member.endpoint.split(':').at(-1));
    const service = '_etcd-client._tcp.example.test';
    const srv = [
      { service, target: 'localhost', port: 1, priority: 1 },
      { service, target: 'localhost', port, priority: 0 },
    ];
    await using dns = await startDnsmasq(dnsmasq ?? '', { srv });
    const flags = ['--discovery-srv=example.test', `--kvorum-discovery-dns=${dns.server}`];
    await using gateway = await ProxyProgram.start('gateway', [...flags, '--insecure-discovery']);
    expect((await fetch(`${gateway.url}/version`)).status).toBe(200);
    const careful = await runKvorum('gateway', 'start', '--endpoints=', ...flags);
    expect(careful.stderr).toContain('kvorum: no endpoints found');
    expect(careful.stderr).toContain('it is without TLS');
  });

  it.each([
    [['gateway'], 0, '', /^Usage:\n\n {2}kvorum gateway start/],
    [['gateway', 'start', '--help'], 0, '', /--retry-delay DURATION/],
    [['gateway', 'stop'], 1, 'kvorum: gateway knows start only: no stop', /^$/],
    [
      ['gateway', 'start', '--endpoint=x'],
      1,
      'kvorum: unknown flag: --endpoint; did you mean --endpoints?',
      /^$/,
    ],
    [['gateway', 'start', '--endpoints='], 1, 'kvorum: no endpoints found', /^$/],
    [['gateway', 'start', '--endpoints=nowhere'], 1, 'kvorum: --endpoints takes host:port', /^$/],
    [
      ['gateway', 'start', '--endpoints=localhost:23790'],
      1,
      'kvorum: SRV or endpoint (localhost:23790->127.0.0.1:23790) should not resolve to the gateway listen addr',
      /^$/,
    ],
  ])('answers %j', async (words, code, told, output) => {
    const result = await runKvorum(...words);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(told);
    expect(result.stdout).toMatch(output);
  });

  it('says when its address is taken', async () => {
    await using member = await startKvorum();
    const { code, stderr } = await runKvorum(
      'gateway',
      'start',
      '--endpoints=127.0.0.1:1',
      `--listen-addr=${member.endpoint}`,
    );
    expect(code).toBe(1);
    expect(stderr).toContain(`kvorum: cannot listen on ${member.endpoint}: the address is in use`);
  });
});
