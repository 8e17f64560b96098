import { describe, expect, it } from 'vitest';
import { buildConfig } from './build-config.ts';
import { parseCommandLine } from './command-line.ts';
import type { Flag } from './flag.ts';
import { flagTable } from './flag-table.ts';
import type { ServerConfig } from './server-config.ts';

function configOf(args: readonly string[], defaultHost?: string): ServerConfig {
  return buildConfig(parseCommandLine(args).values, { defaultHost, fromFile: false });
}

/** Another valid text than the default, so that the flag must show up in the configuration. */
function otherText(flag: Flag): string {
  const special: Record<string, string> = {
    'initial-cluster': 'solo=http://10.0.0.1:2380',
    'auto-compaction-mode': 'revision',
    'auto-compaction-retention': '7',
    'heartbeat-interval': '10',
    'cipher-suites': 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    'tls-min-version': 'TLS1.3',
    'tls-max-version': 'TLS1.2',
  };
  const byKind: Record<Flag['kind'], string> = {
    text: 'other',
    list: 'stdout',
    bool: String(flag.defaultText !== 'true'),
    int: '123456',
    uint: '123',
    duration: '7s',
    urls: 'http://127.0.0.1:4567',
    choice: flag.choices.find((choice) => choice !== flag.defaultText) ?? '',
  };
  const uint = flag.name === 'election-timeout' ? '2000' : byKind[flag.kind];
  return special[flag.name] ?? uint;
}

describe('buildConfig', () => {
  it('fills in the defaults of etcd', () => {
    expect(configOf([])).toMatchObject({
      name: 'default',
      dataDir: 'default.etcd',
      snapshotCount: 10_000,
      heartbeatIntervalMs: 100,
      electionTimeoutMs: 1000,
      maxTxnOps: 128,
      maxRequestBytes: 1_572_864,
      quotaBackendBytes: 2 ** 31,
      autoCompaction: { mode: 'off' },
      compactionBatchLimit: 1000,
      compactionSleepIntervalMs: 10,
      watchProgressNotifyIntervalMs: 600_000,
      grpcKeepaliveIntervalMs: 7_200_000,
      cors: ['*'],
      logOutputs: ['default'],
      kvorumTransport: 'h2',
      kvorumBusyPollMs: 0.3,
      kvorumCacheBytes: 16 * 1024 * 1024,
    });
    expect(configOf([])).not.toHaveProperty('walDir');
    expect(configOf([])).not.toHaveProperty('listenClientHttpUrls');
  });

  const effective = flagTable.filter(
    (flag) =>
      flag.support === 'supported' &&
      !['config-file', 'discovery-fallback', 'version'].includes(flag.name),
  );

  it.each(effective.map((flag) => [flag.name, flag] as const))('heeds --%s', (name, flag) => {
    // The default mode with retention 0 means off in either mode; and listening needs an announced address.
    const context: Record<string, string[]> = {
      'auto-compaction-mode': ['--auto-compaction-retention=5'],
      'listen-client-urls': ['--advertise-client-urls=http://localhost:2379'],
    };
    const discovery: [RegExp, string[]][] = [
      [/^discovery-srv-name$|^kvorum-discovery-dns$/, ['--discovery-srv=example.com']],
      [/^discovery-token$/, ['--discovery-endpoints=a:1', '--discovery-token=tkn']],
      [/^discovery-endpoints$/, ['--discovery-token=tkn', '--discovery-endpoints=b:1']],
      [
        /^discovery-password$/,
        ['--discovery-token=tkn', '--discovery-endpoints=a:1', '--discovery-user=a:b'],
      ],
      [/^discovery-proxy$/, ['--discovery=http://a/t']],
      [/^discovery-(?!srv)/, ['--discovery-token=tkn', '--discovery-endpoints=a:1']],
    ];
    const surroundings = context[name] ?? discovery.find(([names]) => names.test(name))?.[1] ?? [];
    const others: Record<string, string> = {
      'auth-token': '',
      'kvorum-discovery-dns': '[::1]:53',
      'discovery-user': 'a:b',
      discovery: 'http://a/t',
    };
    const base = configOf(surroundings);
    const other = others[name] ?? otherText(flag);
    const changed = configOf([...surroundings, `--${name}=${other}`]);
    expect(changed).not.toEqual(base);
  });

  it.each(['on', 'readonly'])('says what to use in the place of --proxy=%s', (mode) => {
    expect(() => configOf(['--proxy=off'])).not.toThrow();
    expect(() => configOf([`--proxy=${mode}`])).toThrow(
      /^--proxy=.*gateway start.*grpc-proxy start/,
    );
  });

  const refused = flagTable.filter(
    (flag) => flag.support === 'unsupported' && flag.name !== 'proxy',
  );

  it.each(refused.map((flag) => [flag.name, flag] as const))(
    'refuses --%s unless it is given its default',
    (name, flag) => {
      expect(() => configOf([`--${name}=${flag.defaultText}`])).not.toThrow();
      if (flag.kind !== 'choice' || flag.choices.length > 1) {
        expect(() => configOf([`--${name}=${otherText(flag)}`])).toThrow(
          `--${name} is not supported yet by this version of Kvorum`,
        );
      }
    },
  );

  it.each([
    ['0', 2 ** 31],
    ['-1', Number.POSITIVE_INFINITY],
    ['5000', 5000],
  ])('reads --quota-backend-bytes=%s', (text, quota) => {
    expect(configOf([`--quota-backend-bytes=${text}`]).quotaBackendBytes).toBe(quota);
  });

  it.each([
    [['--heartbeat-interval=0'], '--heartbeat-interval must be >0 (set to 0ms)'],
    [['--election-timeout=0'], '--election-timeout must be >0 (set to 0ms)'],
    [
      ['--election-timeout=400'],
      '--election-timeout[400ms] should be at least as 5 times as --heartbeat-interval[100ms]',
    ],
    [
      ['--election-timeout=60000'],
      '--election-timeout[60000ms] is too long, and should be set less than 50000ms',
    ],
    [
      ['--listen-client-urls=http://127.0.0.1:1'],
      '--advertise-client-urls is required when --listen-client-urls is set explicitly',
    ],
    [
      ['--listen-peer-urls=http://example.com:1'],
      'expected IP in URL for binding (http://example.com:1)',
    ],
    [['--listen-metrics-urls=http://example.com:1'], 'expected IP in URL for binding'],
    [['--listen-peer-urls='], '--listen-peer-urls must not be empty'],
    [
      ['--initial-advertise-peer-urls=http://:2380'],
      '--initial-advertise-peer-urls ["http://:2380"] must be "host:port" ' +
        '(unexpected empty host (http://:2380))',
    ],
    [
      ['--advertise-client-urls=http://:2379'],
      'must be in the format "host:port", "unix:/path/to/socket" or "unixs:/path/to/socket"',
    ],
    [
      ['--listen-client-urls=https://127.0.0.1:1', '--advertise-client-urls=https://h:1'],
      'TLS key/cert (--cert-file, --key-file) must be provided for client url https://127.0.0.1:1 with HTTPS scheme',
    ],
    [
      ['--listen-metrics-urls=https://127.0.0.1:1', '--client-cert-auth'],
      'cannot listen on TLS for 127.0.0.1:1: KeyFile and CertFile are not presented',
    ],
    [
      ['--listen-peer-urls=https://127.0.0.1:1', '--cert-file=c', '--key-file=k'],
      'cannot listen on TLS for 127.0.0.1:1: KeyFile and CertFile are not presented',
    ],
    [
      ['--listen-client-http-urls=http://localhost:2379'],
      'cannot bind both --listen-client-urls and --listen-client-http-urls on the same url http://localhost:2379',
    ],
    [
      ['--tls-min-version=TLS1.1'],
      'unexpected TLS version "TLS1.1" (must be one of: TLS1.2, TLS1.3)',
    ],
    [
      ['--tls-min-version=TLS1.3', '--tls-max-version=TLS1.2'],
      'min version (TLS1.3) is greater than max version (TLS1.2)',
    ],
    [
      ['--tls-min-version=TLS1.3', '--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
      'cipher suites cannot be configured when only TLS1.3 is enabled',
    ],
    [['--cipher-suites=TLS_NONE'], 'unexpected TLS cipher suite "TLS_NONE"'],
    [
      ['--peer-cert-allowed-cn=a', '--peer-cert-allowed-hostname=b'],
      'AllowedCNs and AllowedHostnames are mutually exclusive (cns=["a"], hostnames=["b"])',
    ],
    [['--peer-auto-tls', '--self-signed-cert-validity=0'], 'it should be greater than 0'],
    [['--watch-progress-notify-interval=99ms'], 'must be at least 100ms'],
    [['--log-outputs=default,stderr'], '--log-outputs'],
    [['--log-outputs='], '--log-outputs'],
    [['--log-outputs=systemd/journal'], 'not supported yet'],
  ])('refuses %j', (args, message) => {
    expect(() => configOf(args)).toThrow(message);
    expect(() => configOf(args)).toThrow(expect.objectContaining({ exitCode: 1 }));
  });

  it('announces this machine when the peer listener is open to all', () => {
    const config = configOf(['--listen-peer-urls=http://0.0.0.0:2390'], '10.1.2.3');
    expect(config.initialAdvertisePeerUrls.map((url) => url.href)).toEqual([
      'http://10.1.2.3:2390',
    ]);
    expect(config.initialCluster[0]?.peerUrls[0]?.href).toBe('http://10.1.2.3:2390');
  });

  it('announces what it is told, whatever it listens on', () => {
    const args = ['--listen-peer-urls=http://0.0.0.0:2390'];
    const told = configOf([...args, '--initial-advertise-peer-urls=http://h:1'], '10.1.2.3');
    expect(told.initialAdvertisePeerUrls[0]?.href).toBe('http://h:1');
    expect(configOf(args).initialAdvertisePeerUrls[0]?.href).toBe('http://localhost:2380');
  });

  it('founds a cluster of one for a name alone', () => {
    const config = configOf(['--name=n1']);
    expect(config.dataDir).toBe('n1.etcd');
    expect(config.initialCluster.map((member) => member.name)).toEqual(['n1']);
  });
});
