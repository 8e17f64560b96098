import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runKvctl } from '../ctl/in-process.ts';
import { TestCluster } from '../framework/cluster.ts';
import { systemProgram } from '../framework/real-etcd.ts';
import { run } from './run.ts';
import { startSecureServer } from './secure-server.ts';

const curl = systemProgram('curl');
const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

describe.skipIf(curl === undefined)('a certificate of its own making', () => {
  if (curl === undefined) return;

  it('is made once, is good for the addresses, and is kept', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvorum-auto-tls-'));
    try {
      const flags = { 'auto-tls': 'true', 'data-dir': folder, 'self-signed-cert-validity': '3' };
      const file = join(folder, 'fixtures/client/cert.pem');
      const health = (url: string) => run(curl, ['-s', '--cacert', file, `${url}/health`]);
      let made: string;
      {
        await using server = await startSecureServer(flags);
        made = readFileSync(file, 'utf8');
        expect(await health(server.url)).toEqual([0, '{"health":"true","reason":""}']);
      }
      const certificate = new X509Certificate(made);
      expect(certificate.subjectAltName).toBe('IP Address:127.0.0.1');
      expect(certificate.subject).toBe('O=etcd');
      const { validFromDate, validToDate } = certificate;
      expect(validToDate.getTime() - validFromDate.getTime()).toBe(3 * YEAR_MS);
      expect(statSync(join(folder, 'fixtures/client/key.pem')).mode & 0o777).toBe(0o600);

      await using again = await startSecureServer(flags);
      expect(readFileSync(file, 'utf8')).toBe(made);
      expect(await health(again.url)).toEqual([0, '{"health":"true","reason":""}']);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('lets members and clients speak in secret, whoever they are', async () => {
    const flags = ['--auto-tls', '--peer-auto-tls', '--unsafe-no-fsync'];
    await using cluster = await TestCluster.start({ size: 2, scheme: 'https', flags });
    const endpoints = cluster.members.map(({ url }) => url).join(',');
    const kvctl = (...args: readonly string[]) =>
      runKvctl({ args: [...args, '--endpoints', endpoints, '--insecure-skip-tls-verify'] });
    expect(await kvctl('put', 'a', 'b')).toMatchObject({ exitCode: 0, stdout: 'OK\n' });
    expect((await kvctl('endpoint', 'health')).stdout.match(/is healthy/g)).toHaveLength(2);
  });
});
