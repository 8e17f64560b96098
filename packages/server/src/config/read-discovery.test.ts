import { describe, expect, it } from 'vitest';
import { buildConfig } from './build-config.ts';
import { parseCommandLine } from './command-line.ts';

function configOf(...args: string[]) {
  const { values } = parseCommandLine(args);
  return buildConfig(values, { defaultHost: undefined, fromFile: false });
}

describe('--discovery-srv', () => {
  it('takes the place of --initial-cluster', () => {
    const config = configOf(
      '--discovery-srv=example.com',
      '--kvorum-discovery-dns=1.1.1.1,[::1]:5',
    );
    expect(config.discovery).toEqual({
      kind: 'srv',
      domain: 'example.com',
      serviceName: '',
      servers: ['1.1.1.1', '[::1]:5'],
    });
    expect(config.initialCluster.map(({ name }) => name)).toEqual(['default']);
    const empty = configOf('--discovery-srv=example.com', '--initial-cluster=');
    expect(empty.initialCluster).toEqual(config.initialCluster);
    expect(configOf()).not.toHaveProperty('discovery');
    expect(config.peerTls.serverName).toBe('example.com');
    const ownAuthority = configOf('--discovery-srv=example.com', '--peer-trusted-ca-file=ca.pem');
    expect(ownAuthority.peerTls).not.toHaveProperty('serverName');
  });

  it.each([
    [
      ['--discovery-srv=example.com', '--initial-cluster=default=http://localhost:2380'],
      'multiple discovery or bootstrap flags are set. Choose one of "initial-cluster", "discovery-endpoints" or ' +
        '"discovery-srv"',
    ],
    [['--discovery-srv-name=a'], '--discovery-srv-name is of no use without --discovery-srv'],
    [
      ['--kvorum-discovery-dns=dns.example.com:53'],
      '--kvorum-discovery-dns has "dns.example.com:53" instead of address[:port]',
    ],
  ])('refuses %j', (args, message) => {
    expect(() => configOf(...args)).toThrow(message);
  });
});

describe('--discovery-endpoints', () => {
  const asked = ['--discovery-token=tkn', '--discovery-endpoints=a:1, https://b:2,a:1'];

  it('takes the place of --initial-cluster, with --discovery-token', () => {
    expect(configOf(...asked, '--discovery-user=me:a:b').discovery).toEqual({
      kind: 'v3',
      token: 'tkn',
      endpoints: ['a:1', 'https://b:2'],
      dialTimeoutMs: 2000,
      requestTimeoutMs: 5000,
      keepaliveTimeMs: 2000,
      keepaliveTimeoutMs: 6000,
      user: { name: 'me', password: 'a:b' },
      secure: {
        insecureTransport: true,
        insecureSkipVerify: false,
        cert: '',
        key: '',
        cacert: '',
      },
    });
  });

  it.each([
    [['--discovery-token=tkn'], 'both --discovery-token and --discovery-endpoints must be set'],
    [['--discovery-endpoints=a:1'], 'both --discovery-token and --discovery-endpoints must be set'],
    [
      ['--discovery-token=tkn', '--discovery-endpoints=a:1,,b:1'],
      '--discovery-endpoints must not contain empty endpoints',
    ],
    [[...asked, '--discovery-srv=example.com'], 'multiple discovery or bootstrap flags are set.'],
    [
      [...asked, '--discovery-user=me'],
      '--discovery-user needs --discovery-password, or to be name:password',
    ],
  ])('refuses %j', (args, message) => {
    expect(() => configOf(...args)).toThrow(message);
  });
});

describe('--discovery', () => {
  const url = 'https://discovery.example/v2/keys/tkn';

  it('takes the place of --initial-cluster', () => {
    expect(configOf(`--discovery=${url}`).discovery).toEqual({ kind: 'v2', url, proxy: undefined });
    const proxied = configOf(`--discovery=${url}`, '--discovery-proxy=proxy:3128').discovery;
    expect(proxied).toMatchObject({ proxy: 'http://proxy:3128' });
  });

  it.each([
    [['--discovery=tkn'], '--discovery must be the http or https URL of a token, such as'],
    [['--discovery=https://discovery.example'], '--discovery must be the http or https URL of'],
    [['--discovery=ftp://a/t'], '--discovery must be the http or https URL of a token'],
    [
      [`--discovery=${url}`, '--discovery-proxy=https://p:1'],
      'invalid proxy address "https://p:1"',
    ],
    [
      ['--discovery-fallback=proxy'],
      `v2 proxy is deprecated, and --discovery-fallback can't be configured as "proxy"`,
    ],
    [
      [`--discovery=${url}`, '--initial-cluster=default=http://localhost:2380'],
      'Choose one of "initial-cluster", "discovery" or "discovery-srv"',
    ],
  ])('refuses %j', (args, message) => {
    expect(() => configOf(...args)).toThrow(message);
  });
});
