import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runKvctl } from '../ctl/in-process.ts';
import { Authority, type IssuedCertificate } from '../framework/authority.ts';
import { within } from '../framework/eventually.ts';
import { freePorts } from '../framework/ports.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { run } from './run.ts';
import { startSecureServer } from './secure-server.ts';

const cannotLoad = 'cannot load changed certificate files; going on with those before';
const openssl = systemProgram('openssl') ?? '';
const curl = systemProgram('curl') ?? '';
const real = realEtcd('3.5');

describe.skipIf(openssl === '' || curl === '' || real === undefined)('clients over TLS', () => {
  const authority = openssl === '' ? undefined : new Authority(openssl);
  const stranger = openssl === '' ? undefined : new Authority(openssl, 'stranger');
  afterAll(() => {
    authority?.[Symbol.dispose]();
    stranger?.[Symbol.dispose]();
  });
  if (authority === undefined || stranger === undefined || real === undefined) return;

  const own = authority.issue({ commonName: 'server' });
  const client = authority.issue({ commonName: 'client' });
  const served = { 'cert-file': own.file, 'key-file': own.keyFile };
  const mutual = { ...served, 'trusted-ca-file': authority.file };
  const cacert = ['--cacert', authority.file];
  const shown = ['--cert', client.file, '--key', client.keyFile];

  const etcdctl = (url: string, ...args: readonly string[]) =>
    run(real.etcdctl, [`--endpoints=${url}`, '--command-timeout=500ms', ...args]);

  it('are served gRPC, HTTP/2 and HTTP/1.1 at one port', async () => {
    await using server = await startSecureServer(served);
    const { url } = server;
    expect(await etcdctl(url, ...cacert, '--command-timeout=10s', 'put', 'a', 'b')).toEqual([
      0,
      'OK\n',
    ]);
    const lax = ['--insecure-transport=false', '--insecure-skip-tls-verify'];
    expect(await etcdctl(url, ...lax, '--command-timeout=10s', 'get', 'a')).toEqual([0, 'a\nb\n']);
    const health = (...flags: readonly string[]) =>
      run(curl, [
        '-s',
        ...flags,
        '-w',
        ' %{http_version}',
        '--cacert',
        authority.file,
        `${url}/health`,
      ]);
    expect(await health()).toEqual([0, '{"health":"true","reason":""} 2']);
    expect(await health('--http1.1')).toEqual([0, '{"health":"true","reason":""} 1.1']);
    expect(await health('--no-alpn')).toEqual([0, '{"health":"true","reason":""} 1.1']);
    expect(server.log.fieldsOf('serving client traffic securely')).toEqual([
      { address: url.slice('https://'.length) },
    ]);
    expect(server.log.fieldsOf('rejected connection on client endpoint')).toEqual([]);
  });

  it('are asked for a certificate of the authority', async () => {
    await using server = await startSecureServer(mutual);
    const { url } = server;
    // Which of them depends on what it was about to do.
    const [, refused] = await etcdctl(url, ...cacert, 'get', 'a');
    expect(refused).toMatch(/tls: certificate required|broken pipe|connection reset|EOF/);
    expect(await server.rejection()).toMatchObject({
      'remote-addr': expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      error: "tls: client didn't provide a certificate",
    });
    expect(
      await etcdctl(url, ...cacert, ...shown, '--command-timeout=10s', 'put', 'a', 'b'),
    ).toEqual([0, 'OK\n']);
  });

  const failures = [
    {
      what: 'shows a certificate of a stranger',
      by: () => stranger.issue({ commonName: 'mallory' }),
      error: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    },
    {
      what: 'shows an expired certificate',
      by: () => authority.issue({ days: -1 }),
      error: 'tls: failed to verify certificate: x509: certificate has expired',
    },
    {
      what: "shows a server's certificate",
      by: () => authority.issue({ usage: 'serverAuth' }),
      error:
        'tls: failed to verify certificate: x509: certificate specifies an incompatible key usage',
    },
    {
      what: 'shows a certificate for another name',
      by: () => authority.issue({ names: 'DNS:elsewhere' }),
      flags: { 'client-cert-allowed-hostname': 'here,localhost' },
      error: 'client certificate authentication failed',
    },
    {
      what: 'shows a revoked certificate',
      by: () => client,
      flags: { 'client-crl-file': authority.revoke([client], 'DER') },
      error: 'transport: certificate serial 1002 revoked',
    },
  ];

  it.each(failures)('are turned away at once when one $what', async ({ by, flags = {}, error }) => {
    await using server = await startSecureServer({ ...mutual, ...flags });
    const { file, keyFile } = by();
    const call = run(curl, [
      ...['-sS', '--cacert', authority.file, '--cert', file, '--key', keyFile],
      `${server.url}/health`,
    ]);
    const [code, said] = await within('the end of curl', call);
    expect([code === 0, said.includes('"health"')]).toEqual([false, false]);
    expect(await server.rejection()).toMatchObject({ error });
  });

  it('fail at once when they do not trust the server', async () => {
    await using server = await startSecureServer(served);
    const args = ['-sS', '--cacert', stranger.file, `${server.url}/health`];
    const [code] = await within('the end of curl', run(curl, args));
    expect(code).toBe(60);
    expect(await server.rejection()).toMatchObject({
      error: 'remote error: tls: unknown certificate authority',
    });
  });

  it('are told when they forget TLS, or bring it where there is none', async () => {
    await using secure = await startSecureServer(served);
    const plain = secure.url.replace('https:', 'http:');
    expect(await run(curl, ['-s', '-w', '%{http_code}', `${plain}/health`])).toEqual([
      0,
      'Client sent an HTTP request to an HTTPS server.\n400',
    ]);
    expect(await secure.rejection()).toMatchObject({
      error: 'tls: first record does not look like a TLS handshake',
      hint: 'the client speaks HTTP/1.1, in the clear: use https:// endpoints',
    });
    const prefaced = run(curl, ['-s', '--http2-prior-knowledge', `${plain}/health`]);
    expect((await within('the end of curl', prefaced))[0]).not.toBe(0);

    const flags = { 'listen-client-urls': 'http://127.0.0.1:0' };
    await using open = await startSecureServer({ ...flags, 'advertise-client-urls': plain });
    const tls = open.url.replace('http:', 'https:');
    const [, said] = await etcdctl(tls, ...cacert, 'get', 'a');
    expect(said).toContain('first record does not look like a TLS handshake');
    expect(await open.rejection()).toMatchObject({
      error: 'tls: the client speaks TLS, which this address does not',
    });
    const kvctl = async (url: string) => {
      const args = ['get', 'a', '--endpoints', url, '--command-timeout=300ms', ...cacert];
      return (await runKvctl({ args })).stderr;
    };
    expect(await kvctl(tls)).toContain('tls: the server does not speak TLS there');
    expect(await kvctl(plain)).toContain('an answer in HTTP/1; the address may want TLS');
  });

  it('may speak both at one address, when it is given by two URLs', async () => {
    const [port = 0] = await freePorts(1);
    const urls = `http://127.0.0.1:${port},https://127.0.0.1:${port}`;
    await using server = await startSecureServer({ ...served, 'listen-client-urls': urls });
    expect(server.urls).toHaveLength(1);
    const health = (url: string) => run(curl, ['-s', '--cacert', authority.file, `${url}/health`]);
    const healthy = [0, '{"health":"true","reason":""}'];
    expect(await health(`http://127.0.0.1:${port}`)).toEqual(healthy);
    expect(await health(`https://127.0.0.1:${port}`)).toEqual(healthy);
  });

  it('get what the flags say of versions and suites', async () => {
    await using server = await startSecureServer({
      ...served,
      'tls-max-version': 'TLS1.2',
      'cipher-suites': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    });
    const target = server.url.slice('https://'.length);
    const shake = (...flags: readonly string[]) =>
      run(openssl, ['s_client', '-connect', target, '-CAfile', authority.file, '-brief', ...flags]);
    const [, agreed] = await shake();
    expect(agreed).toContain('TLSv1.2');
    expect(agreed).toContain('ECDHE-ECDSA-AES256-GCM-SHA384');
    expect((await shake('-tls1_3'))[0]).not.toBe(0);
    expect(await server.rejection()).toMatchObject({
      error: 'tls: client offered only unsupported versions',
    });
    expect((await shake('-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'))[0]).not.toBe(0);
    expect(server.log.fieldsOf('rejected connection on client endpoint').at(-1)).toMatchObject({
      error: 'tls: no cipher suite supported by both client and server',
    });
  });

  it('meet new certificates and lists as soon as these are there', async () => {
    const installed = mkdtempSync(join(tmpdir(), 'kvorum-installed-'));
    try {
      const place = (name: string) => join(installed, name);
      const install = (names: Readonly<Record<string, string>>) => {
        for (const [name, from] of Object.entries(names)) copyFileSync(from, place(name));
      };
      install({ 'cert.pem': own.file, 'key.pem': own.keyFile, 'ca.pem': authority.file });
      install({ 'crl.pem': authority.revoke([]) });
      await using server = await startSecureServer({
        'cert-file': place('cert.pem'),
        'key-file': place('key.pem'),
        'trusted-ca-file': place('ca.pem'),
        'client-crl-file': place('crl.pem'),
      });
      const other = stranger.issue();
      const health = (caFile: string, { file, keyFile }: IssuedCertificate) =>
        run(curl, [
          ...['-s', '--cacert', caFile, '--cert', file, '--key', keyFile],
          `${server.url}/health`,
        ]);
      const healthy = [0, '{"health":"true","reason":""}'];
      expect(await health(authority.file, client)).toEqual(healthy);

      install({ 'crl.pem': authority.revoke([client]) });
      expect(await health(authority.file, client)).not.toEqual(healthy);
      expect(await health(authority.file, own)).toEqual(healthy);
      // Serial numbers count, whoever gave them.
      install({ 'crl.pem': authority.revoke([]) });

      // The key comes later, and what was there serves until then.
      install({ 'cert.pem': other.file });
      expect(await health(authority.file, own)).toEqual(healthy);
      expect(server.log.fieldsOf(cannotLoad)).toMatchObject([{ for: 'listener' }]);
      install({ 'key.pem': other.keyFile, 'ca.pem': stranger.file });
      expect(await health(stranger.file, other)).toEqual(healthy);
      expect(await health(stranger.file, own)).not.toEqual(healthy);
    } finally {
      rmSync(installed, { recursive: true, force: true });
    }
  });

  it('disturb nobody by handshakes that they begin and leave', async () => {
    await using server = await startSecureServer(served);
    const port = Number(server.url.split(':').at(-1));
    const halfOpen: Socket[] = [];
    try {
      for (let i = 0; i < 1200; i++) {
        const socket = connectPlain(port, '127.0.0.1', () => {
          // The first bytes of a record that never comes.
          socket.write(Buffer.from([0x16, 3, 1, 2, 0]));
        });
        socket.on('error', () => {});
        halfOpen.push(socket);
      }
      expect(await server.rejection()).toMatchObject({
        error: 'more than 1000 handshakes at a time',
      });
      expect(await etcdctl(server.url, ...cacert, '--command-timeout=10s', 'get', 'a')).toEqual([
        0,
        '',
      ]);
    } finally {
      for (const socket of halfOpen) socket.destroy();
    }
  });

  it.each([
    ['cert-file', 'is-not-there.pem', /ENOENT.*is-not-there\.pem/],
    ['cert-file', own.keyFile, /holds no certificate in PEM/],
    ['key-file', own.file, /holds no private key in PEM without a passphrase/],
    ['key-file', client.keyFile, /tls: private key does not match public key/],
    ['key-file', '', /KeyFile and CertFile must both be present\[key: , cert: /],
    ['trusted-ca-file', own.keyFile, /holds no certificate in PEM/],
    ['client-crl-file', own.file, /holds no list of revoked certificates/],
  ])('are not served when --%s is %s', async (flag, file, message) => {
    await expect(startSecureServer({ ...mutual, [flag]: file })).rejects.toThrow(message);
  });
});
