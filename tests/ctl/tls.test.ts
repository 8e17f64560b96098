import { afterAll, describe, expect, it } from 'vitest';
import { Certificate } from '../framework/certificate.ts';
import { startEtcd } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { golden } from './golden.ts';
import { runKvctl } from './in-process.ts';
import { startTlsServer, tlsFlags } from './tls-server.ts';

const openssl = systemProgram('openssl');
const real = realEtcd('3.5');

/** The server's certificate, the client's, and the authority for both. */
const certificate = openssl === undefined ? undefined : new Certificate(openssl);
afterAll(() => certificate?.[Symbol.dispose]());

const file = certificate?.file ?? '';
const keyFile = certificate?.keyFile ?? '';
const all = ['--cacert', file, '--cert', file, '--key', keyFile];
const briefly = '--command-timeout=300ms';

if (certificate !== undefined) {
  golden(
    'commands over TLS',
    [
      ['put', 'a', 'over TLS', ...all],
      ['get', 'a', ...all],
      ['get', 'a', '--insecure-skip-tls-verify', '--cert', file, '--key', keyFile],
      ['get', 'a', '--insecure-transport=false', ...all],
      { args: ['get', 'a', ...all], env: { ETCDCTL_ENDPOINTS: '{bare}' } },
      ['endpoint', 'health', ...all],
      ['endpoint', 'health', '--cluster', ...all],
      ['member', 'list', ...all],
      { args: 'get a', env: { ETCDCTL_CACERT: file, ETCDCTL_CERT: file, ETCDCTL_KEY: keyFile } },
      ['get', 'a', '--cert', file, '--cacert', file],
      { args: ['get', 'a', briefly, '--cacert', file], differs: ['what-was-tried'] },
      {
        args: ['get', 'a', briefly, '--cert', file, '--key', keyFile],
        differs: ['what-was-tried'],
      },
      { args: ['get', 'a', briefly], differs: ['what-was-tried'] },
      {
        args: ['get', 'a', briefly],
        env: { ETCDCTL_ENDPOINTS: '{bare}' },
        differs: ['what-was-tried'],
      },
    ],
    {
      start: (program) => startTlsServer(program, certificate),
    },
  );
}

describe.skipIf(real === undefined || certificate === undefined)(
  'kvctl without the right certificate',
  () => {
    it('says what is wrong, endpoint by endpoint', async () => {
      if (real === undefined || certificate === undefined) return;
      const [port = 0] = await freePorts(1);
      await using _member = await startEtcd(real, { flags: tlsFlags(certificate, port) });
      const run = async (...args: string[]) => {
        const endpoint = `https://127.0.0.1:${port}`;
        const call = ['get', 'a', briefly, '--endpoints', endpoint, ...args];
        const { exitCode, stderr } = await runKvctl({ args: call });
        return [exitCode, stderr.replaceAll(String(port), 'PORT')];
      };
      expect(await run('--cert', file, '--key', keyFile)).toEqual([
        1,
        'Error: context deadline exceeded\n  https://127.0.0.1:PORT: tls: self-signed certificate\n',
      ]);
      expect(await run('--cacert', file)).toEqual([
        1,
        'Error: context deadline exceeded\n' +
          '  https://127.0.0.1:PORT: tls: tlsv13 alert certificate required\n',
      ]);
    });
  },
);

describe.skipIf(certificate === undefined)('files that are not what they are given for', () => {
  const other = openssl === undefined ? undefined : new Certificate(openssl);
  afterAll(() => other?.[Symbol.dispose]());
  const otherKey = other?.keyFile ?? '';

  it.each([
    {
      flags: ['--cacert', keyFile],
      text: `${keyFile} holds no certificate in PEM, as --cacert wants it`,
    },
    {
      flags: ['--cert', keyFile, '--key', keyFile],
      text: `${keyFile} holds no certificate in PEM, as --cert wants it`,
    },
    {
      flags: ['--cert', file, '--key', file],
      text: `${file} holds no private key in PEM without a passphrase, as --key wants it`,
    },
    {
      flags: ['--cert', file, '--key', otherKey],
      text: `the key in ${otherKey} does not belong to the certificate in ${file}`,
    },
  ])('are refused before anything is sent: $text', async ({ flags, text }) => {
    const args = ['get', 'a', '--endpoints', 'https://127.0.0.1:1', ...flags];
    expect(await runKvctl({ args })).toEqual({
      exitCode: 128,
      stdout: '',
      stderr: `Error: ${text}\n`,
    });
  });
});
