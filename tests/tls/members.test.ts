import { afterAll, describe, expect, it } from 'vitest';
import { Authority, type IssuedCertificate } from '../framework/authority.ts';
import { type ClusterMember, TestCluster } from '../framework/cluster.ts';
import { systemProgram } from '../framework/real-etcd.ts';

const openssl = systemProgram('openssl');

/** Two processes begin, on a busy machine. */
const START_DEADLINE_MS = 30_000;

describe.skipIf(openssl === undefined)('members that do not take each other', () => {
  if (openssl === undefined) return;
  const authority = new Authority(openssl);
  const stranger = new Authority(openssl, 'stranger');
  afterAll(() => {
    authority[Symbol.dispose]();
    stranger[Symbol.dispose]();
  });

  const flagsOf = ({ file, keyFile }: IssuedCertificate, caFile: string) => [
    ...[`--peer-cert-file=${file}`, `--peer-key-file=${keyFile}`],
    `--peer-trusted-ca-file=${caFile}`,
  ];
  const good = () => flagsOf(authority.issue(), authority.file);

  it.each([
    {
      why: 'an authority that one does not know',
      other: () => flagsOf(stranger.issue(), stranger.file),
      // Each ends the handshake that it has begun, so none gets to see the other's certificate.
      dials: /failed to reach the peer.*x509: certificate signed by unknown authority/,
      listens: /rejected connection on peer endpoint.*"error":"EOF".*does not take the certificate/,
    },
    {
      why: 'a certificate that has expired',
      other: () => flagsOf(authority.issue({ days: -1 }), authority.file),
      dials: /failed to reach the peer.*x509: certificate has expired/,
      listens: /rejected connection on peer endpoint.*x509: certificate has expired/,
    },
    {
      why: 'a certificate for another name',
      other: () => flagsOf(authority.issue({ names: 'DNS:elsewhere.invalid' }), authority.file),
      dials: /failed to reach the peer.*does not match certificate's altnames/,
      listens: /"127\.0\.0\.1\\" does not match any of DNSNames \[\\"elsewhere\.invalid\\"\]/,
    },
    {
      why: 'TLS at one of them alone',
      scheme: 'http' as const,
      other: () => [],
      dials: /failed to reach the peer.*first record does not look like a TLS handshake/,
      listens:
        /rejected connection on peer endpoint.*first record does not look like a TLS handshake/,
      otherDials: /failed to reach the peer.*an answer in HTTP\/1; the address may want TLS/,
      otherListens: /rejected connection on peer endpoint.*the client speaks TLS/,
    },
  ])('say so, as dialer and as listener: $why', async (failing) => {
    await using cluster = await TestCluster.prepare({ size: 2, flags: ['--unsafe-no-fsync'] });
    const [one, other] = [cluster.member(0), cluster.member(1)];
    const urls = (scheme: string, member: ClusterMember) => [
      `--initial-cluster=${cluster.initialCluster.replaceAll('http', scheme)}`,
      `--listen-peer-urls=${scheme}://127.0.0.1:${member.peerPort}`,
      `--initial-advertise-peer-urls=${scheme}://127.0.0.1:${member.peerPort}`,
    ];
    const { scheme = 'https' } = failing;
    await Promise.all([
      one.spawn([...urls('https', one), ...good()]),
      other.spawn([...urls(scheme, other), ...failing.other()]),
    ]);
    const { dials, listens, otherDials, otherListens } = failing;
    const lineOf = (member: ClusterMember, pattern: RegExp | undefined) =>
      pattern === undefined ? 'none' : member.process.stderr.line(pattern, START_DEADLINE_MS);
    const said = await Promise.all([
      lineOf(one, dials),
      lineOf(one, listens),
      lineOf(other, otherDials),
      lineOf(other, otherListens),
    ]);
    expect(said).toHaveLength(4);
  });
});
