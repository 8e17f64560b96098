import { describe, expect, it } from 'vitest';
import { Authority } from '../framework/authority.ts';
import { TestCluster } from '../framework/cluster.ts';
import { dnsmasqProgram, startDnsmasq, type TestDns } from '../framework/dnsmasq.ts';
import { kvorumProgram } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';
import { systemProgram } from '../framework/real-etcd.ts';

const dnsmasq = dnsmasqProgram();
const openssl = systemProgram('openssl');
const service = '_etcd-server._tcp.example.test';

describe.skipIf(dnsmasq === undefined)('members in the SRV records of a DNS server', () => {
  const program = dnsmasq ?? '';

  it('found a cluster or join it, and need no DNS when they come again', async () => {
    await using dns = new ClusterDns(program, '_etcd-server-a._tcp.example.test');
    await using cluster = await TestCluster.start({
      prepared: (prepared) => dns.tellOf(prepared),
      bootstrapOf: () => [...dns.flags, '--discovery-srv-name=a'],
      // A member is added sooner than others have been connected for long.
      flags: ['--strict-reconfig-check=false'],
    });
    using client = cluster.member(0).client();
    const { members } = await client.cluster.memberList({});
    expect(members.map(({ name, peerURLs }) => [name, peerURLs]).sort()).toEqual(
      cluster.members.map(({ name, advertisedPeerPort }) => {
        return [name, [`http://localhost:${advertisedPeerPort}`]];
      }),
    );
    const added = await cluster.addPlace();
    const addedUrl = `http://localhost:${added.advertisedPeerPort}`;
    await client.cluster.memberAdd({ peerURLs: [addedUrl] });
    await dns.tellOf(cluster);
    await added.spawn(['--initial-cluster-state=existing']);
    await added.ready();
    await dns.stop();
    const [first] = cluster.members;
    await first?.stop();
    await first?.restart();
  });

  it.skipIf(openssl === undefined)('are known by a certificate of the domain', async () => {
    using authority = new Authority(openssl ?? '');
    const { file, keyFile } = authority.issue({ names: 'DNS:example.test' });
    await using dns = new ClusterDns(program, '_etcd-server-ssl._tcp.example.test');
    await using cluster = await TestCluster.start({
      size: 2,
      prepared: (prepared) => dns.tellOf(prepared),
      bootstrapOf: ({ peerPort }) => [
        ...dns.flags,
        `--listen-peer-urls=https://127.0.0.1:${peerPort}`,
        `--initial-advertise-peer-urls=https://127.0.0.1:${peerPort}`,
        `--peer-cert-file=${file}`,
        `--peer-key-file=${keyFile}`,
      ],
      env: { NODE_EXTRA_CA_CERTS: authority.file },
    });
    expect(cluster.members.every(({ isRunning }) => isRunning)).toBe(true);
  });

  it('are nobody where the records know others only', async () => {
    const srv = [{ service, target: 'other.test', port: 2380 }];
    await using dns = await startDnsmasq(program, { srv, hosts: { 'other.test': '127.0.0.9' } });
    const { file, args } = kvorumProgram();
    await using member = await RunningProgram.start(file, {
      args: [
        ...args,
        '--name=lost',
        '--kvorum-engine=memory',
        '--data-dir=/nonexistent/kvorum',
        '--discovery-srv=example.test',
        `--kvorum-discovery-dns=${dns.server}`,
      ],
    });
    expect(await member.exited).toEqual({ code: 1, signal: null });
    expect(member.stderr.text).toContain(
      'kvorum: error setting up initial cluster: cannot find local etcd member "lost" in SRV records\n' +
        'kvorum: no record leads to where --initial-advertise-peer-urls=http://localhost:2380 does; ' +
        'the records are 0=http://other.test:2380\n',
    );
    expect(member.stderr.text).toContain('"discovery failed"');
  });
});

/** A DNS server that tells of a cluster's members on localhost. */
class ClusterDns implements AsyncDisposable {
  readonly #program: string;
  readonly #service: string;
  #dns: TestDns | undefined;

  constructor(program: string, service: string) {
    this.#program = program;
    this.#service = service;
  }

  /** The flags by which members ask it. */
  get flags(): readonly string[] {
    return ['--discovery-srv=example.test', `--kvorum-discovery-dns=${this.#dns?.server}`];
  }

  async tellOf({ members }: TestCluster): Promise<void> {
    await this.stop();
    const srv = members.map(({ advertisedPeerPort: port }, priority) => {
      return { service: this.#service, target: 'localhost', port, priority };
    });
    this.#dns = await startDnsmasq(this.#program, { srv });
  }

  async stop(): Promise<void> {
    await this.#dns?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
