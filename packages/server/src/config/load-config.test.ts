import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { type ConfigSources, loadConfig } from './load-config.ts';

function sourcesOf(files: Record<string, string> = {}, environment = {}): ConfigSources {
  return {
    environment,
    defaultHost: undefined,
    async readFile(path) {
      const text = files[path];
      if (text === undefined) {
        throw new Error(`ENOENT: ${path}`);
      }
      return text;
    },
  };
}

describe('loadConfig', () => {
  it('merges flags and environment', async () => {
    const commandLine = parseCommandLine(['--name', 'n1']);
    const { config } = await loadConfig(commandLine, sourcesOf({}, { ETCD_DATA_DIR: '/d' }));
    expect([config.name, config.dataDir]).toEqual(['n1', '/d']);
  });

  it.each([
    [['--config-file', 'f.yaml', '--name', 'flag'], {}],
    [[], { ETCD_CONFIG_FILE: 'f.yaml', ETCD_NAME: 'env' }],
  ])('lets a config file replace flags and environment: %j %j', async (args, environment) => {
    const files = { 'f.yaml': 'name: file\nlisten-client-urls: http://127.0.0.1:1\n' };
    const { config, notices } = await loadConfig(
      parseCommandLine(args),
      sourcesOf(files, environment),
    );
    expect(config.name).toBe('file');
    // A file need not repeat the advertised URLs; a command line must.
    expect(config.advertiseClientUrls[0]?.href).toBe('http://localhost:2379');
    expect(notices[0]?.message).toMatch(/^loaded server configuration, other configuration/);
  });

  it.each([
    [{}, 'cannot read the configuration file f.yaml: ENOENT'],
    [{ 'f.yaml': 'a: [' }, 'cannot read the configuration file f.yaml'],
    [{ 'f.yaml': 'enable-pprof: true' }, '--enable-pprof is not supported yet'],
    [{ 'f.yaml': 'election-timeout: 1' }, '--election-timeout[1ms] should be'],
  ])('refuses the files %j', async (files, message) => {
    const commandLine = parseCommandLine(['--config-file', 'f.yaml']);
    await expect(
      loadConfig(commandLine, sourcesOf(files as Record<string, string>)),
    ).rejects.toThrow(message);
  });

  it('refuses a word that is no flag', async () => {
    const loading = loadConfig(parseCommandLine(['extra']), sourcesOf());
    await expect(loading).rejects.toThrow('"extra" is not a valid flag');
  });

  it('says which flags it accepted without heeding them', async () => {
    const args = ['--name=n', '--force', '--backend-batch-limit=5', '--backend-batch-interval=0s'];
    const { notices } = await loadConfig(parseCommandLine(args), sourcesOf());
    expect(notices.map((notice) => notice.message)).toEqual([
      '--backend-batch-limit has no effect: Kvorum has no such part to tune',
      'flag "-force" is no longer supported - ignoring.',
    ]);
  });

  it('reads the blocks for TLS, and warns of what they cannot do for URLs in the clear', async () => {
    const file = `name: n
client-transport-security: {cert-file: c, key-file: k, client-cert-auth: true, allowed-hostname: [a, b]}
peer-transport-security: {trusted-ca-file: ca, auto-tls: true, skip-client-san-verification: true}
cipher-suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_AES_128_GCM_SHA256]
`;
    const commandLine = parseCommandLine(['--config-file', 'f.yaml']);
    const { config, notices } = await loadConfig(commandLine, sourcesOf({ 'f.yaml': file }));
    expect(config.clientTls).toMatchObject({
      certFile: 'c',
      keyFile: 'k',
      clientCertAuth: true,
      allowedHostnames: ['a', 'b'],
      cipherSuites: ['AES128-SHA'],
    });
    expect(config.peerTls).toMatchObject({
      trustedCaFile: 'ca',
      autoTls: true,
      skipClientSanVerification: true,
    });
    const warnings = notices.filter(({ level }) => level === 'warn');
    const told = warnings.map(({ message, fields }) => [message, ...Object.values(fields)]);
    const [client, peer] = ['http://localhost:2379', 'http://localhost:2380'];
    const isHttp = 'scheme is http or unix while';
    expect(told).toEqual([
      [`${isHttp} key and cert files are present; ignoring key and cert files`, client],
      [`${isHttp} --client-cert-auth is enabled; ignoring client cert auth for this URL`, client],
      ['scheme is HTTP while key and cert files are present; ignoring key and cert files', peer],
    ]);
  });

  it('warns of settings that are probably not meant', async () => {
    const args = [
      '--max-request-bytes=20000000',
      '--quota-backend-bytes=10000000000',
      '--unsafe-no-fsync',
    ];
    const { notices } = await loadConfig(parseCommandLine(args), sourcesOf());
    expect(notices.map((notice) => notice.level)).toEqual(['warn', 'warn', 'warn', 'warn']);
  });
});
