import { describe, expect, it } from 'vitest';
import { FlagSet } from '../subcommand/flag-set.ts';
import { proxyFlags } from './flags.ts';
import { readGrpcProxyOptions } from './options.ts';

function read(...args: string[]) {
  const flags = new FlagSet(proxyFlags);
  flags.parse(args);
  return readGrpcProxyOptions(flags);
}

describe('the options of a grpc-proxy', () => {
  it("are etcd's by default", () => {
    expect(read()).toMatchObject({
      listen: { scheme: 'http', host: '127.0.0.1', port: 23_790 },
      metricsListen: undefined,
      endpoints: ['127.0.0.1:2379'],
      autoSyncMs: 0,
      discovery: undefined,
      advertised: '127.0.0.1:23790',
      resolverPrefix: '',
      namespace: '',
      isOrdered: false,
      maxSendBytes: 1_572_864,
      maxReceiveBytes: 2 ** 31 - 1,
      maxConcurrentStreams: 2 ** 32 - 1,
      keepalive: { minTimeMs: 5000, intervalMs: 7_200_000, timeoutMs: 20_000 },
      dialKeepalive: { intervalMs: 0, timeoutMs: 20_000 },
    });
  });

  it('have TLS towards clients with a certificate, who then may have to show one', () => {
    const tls = ['--cert-file=c', '--key-file=k'];
    expect(read(...tls)).toMatchObject({
      listen: { scheme: 'https', href: 'https://127.0.0.1:23790' },
      clientTls: { certFile: 'c', keyFile: 'k', clientCertAuth: false },
    });
    expect(read(...tls, '--trusted-ca-file=ca').clientTls).toMatchObject({
      trustedCaFile: 'ca',
      clientCertAuth: true,
    });
    expect(read('--auto-tls').listen.scheme).toBe('https');
    const metrics = read(...tls, '--metrics-addr=https://127.0.0.1:1').metricsListen;
    expect(metrics).toMatchObject({ scheme: 'https', port: 1 });
  });

  it('register without a slash at the end', () => {
    const { resolverPrefix } = read('--resolver-prefix=/p/', '--resolver-ttl=5');
    expect(resolverPrefix).toBe('/p');
  });

  it.each([
    [['--endpoints='], 'no endpoints'],
    [['--listen-addr=x'], '--listen-addr takes host:port, not "x"'],
    [['--metrics-addr=x'], 'URL scheme must be http'],
    [['--metrics-addr=https://127.0.0.1:1'], 'for which there is no --cert-file and --key-file'],
    [['--discovery-srv-name=x'], '--discovery-srv-name needs --discovery-srv'],
    [['--resolver-prefix=/x'], 'invalid resolver-ttl 0'],
    [['--resolver-ttl=5'], 'invalid resolver-prefix ""'],
    [
      ['--resolver-ttl=5', '--resolver-prefix=/x', '--advertise-client-url='],
      'invalid advertise-client-url ""',
    ],
    [['--cert=x'], '--cert and --key go together'],
    [['--cert-file=x'], '--cert-file and --key-file go together'],
    [['--trusted-ca-file=x'], '--trusted-ca-file needs --cert-file and --key-file'],
    [['--tls-min-version=TLS1.1'], 'unexpected TLS version "TLS1.1"'],
    [['--listen-cipher-suites=x'], 'unexpected TLS cipher suite "x"'],
    [['--grpc-keepalive-interval=-1s'], '--grpc-keepalive-interval must not be negative'],
    [['--auto-tls', '--self-signed-cert-validity=0'], 'selfSignedCertValidity is invalid'],
    [['--enable-pprof'], '--enable-pprof is not supported by Kvorum'],
    [['--experimental-leasing-prefix=x'], '--experimental-leasing-prefix is not supported'],
  ])('refuse %j', (args, message) => {
    expect(() => read(...args)).toThrow(message);
  });
});
