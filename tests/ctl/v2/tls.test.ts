import { afterAll } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { realEtcd, systemProgram } from '../../framework/real-etcd.ts';
import { startTlsServer } from '../tls-server.ts';
import { goldenV2 } from './golden-v2.ts';

const openssl = systemProgram('openssl');
const real = realEtcd('3.5');
const certificate = openssl === undefined ? undefined : new Certificate(openssl);
afterAll(() => certificate?.[Symbol.dispose]());

if (certificate !== undefined && real !== undefined) {
  const { file, keyFile } = certificate;
  const all = ['--ca-file', file, '--cert-file', file, '--key-file', keyFile];
  goldenV2(
    'v2 over TLS',
    [
      [...all, 'set', '/a', 'over TLS'],
      [...all, 'get', '/a'],
      [...all, 'ls'],
      [...all, 'member', 'list'],
      [...all, 'cluster-health'],
      [...all, '--no-sync', 'get', '/a'],
      {
        args: 'get /a',
        env: { ETCDCTL_CA_FILE: file, ETCDCTL_CERT_FILE: file, ETCDCTL_KEY_FILE: keyFile },
      },
      ['--ca-file', file, '--cert-file', file, 'get', '/a'],
      ['--ca-file', '/no/such/file', 'get', '/a'],
    ],
    {
      servers: ['etcd', 'kvorum'],
      start: (program) => startTlsServer(program, certificate, ['--enable-v2']),
    },
  );
}
