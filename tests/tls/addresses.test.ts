import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@kvorum/server';
import { afterAll, describe, expect, it } from 'vitest';
import { runKvctl } from '../ctl/in-process.ts';
import { Authority } from '../framework/authority.ts';
import { freePorts } from '../framework/ports.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { run } from './run.ts';
import { startSecureServer } from './secure-server.ts';

const openssl = systemProgram('openssl');
const curl = systemProgram('curl');
const real = realEtcd('3.5');

describe.skipIf(openssl === undefined || curl === undefined || real === undefined)(
  'addresses of all kinds',
  () => {
    if (openssl === undefined || curl === undefined || real === undefined) return;
    const authority = new Authority(openssl);
    const folder = mkdtempSync(join(tmpdir(), 'kvorum-sockets-'));
    afterAll(() => {
      authority[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    });
    const own = authority.issue();
    const served = { 'cert-file': own.file, 'key-file': own.keyFile };
    const cacert = ['--cacert', authority.file];
    const socket = (name: string) => join(folder, name);

    const etcdctl = (url: string, ...args: readonly string[]) =>
      run(real.etcdctl, [`--endpoints=${url}`, '--command-timeout=10s', ...args]);
    const kvctl = (url: string, ...args: readonly string[]) =>
      runKvctl({ args: [...args, '--endpoints', url] });
    const page = (url: string, ...flags: readonly string[]) =>
      run(curl, ['-sS', ...flags, ...cacert, url]);
    const healthy = [0, '{"health":"true","reason":""}'];

    it('may be unix sockets, in the clear and over TLS', async () => {
      const urls = `unix://${socket('plain')},unixs://${socket('secure')}`;
      await using server = await startSecureServer({
        ...served,
        'listen-client-urls': urls,
        'advertise-client-urls': urls,
        'listen-metrics-urls': `unixs://${socket('metrics')}`,
      });
      const [plain = '', secure = ''] = server.urls;
      expect([plain, secure].join(',')).toBe(urls);
      expect(await etcdctl(plain, 'put', 'a', 'b')).toEqual([0, 'OK\n']);
      // It takes the file's name for that of the host, which no certificate has.
      const lax = [...cacert, '--insecure-skip-tls-verify'];
      expect(await etcdctl(secure, ...lax, 'get', 'a')).toEqual([0, 'a\nb\n']);
      expect(await kvctl(plain, 'get', 'a')).toMatchObject({ exitCode: 0, stdout: 'a\nb\n' });
      expect(await kvctl(secure, 'get', 'a', ...cacert)).toMatchObject({ stdout: 'a\nb\n' });
      const members = await kvctl(plain, 'member', 'list');
      expect(members.stdout).toContain(`${plain},${secure}`);
      const health = 'https://localhost/health';
      expect(await page(health, '--unix-socket', socket('secure'))).toEqual(healthy);
      expect(await page(health, '--unix-socket', socket('metrics'))).toEqual(healthy);
    });

    it('may be unix sockets between members', async () => {
      const names = ['one', 'two'];
      const urlOf = (name: string) => `unixs://${socket(`${name}.peer`)}`;
      const servers = await Promise.all(
        names.map((name) =>
          startServer({
            engine: 'memory',
            dataDir: join(folder, name),
            flags: {
              name,
              'initial-cluster': names.map((each) => `${each}=${urlOf(each)}`).join(','),
              'listen-peer-urls': urlOf(name),
              'initial-advertise-peer-urls': urlOf(name),
              'peer-cert-file': own.file,
              'peer-key-file': own.keyFile,
              'peer-trusted-ca-file': authority.file,
            },
          }),
        ),
      );
      try {
        const endpoints = servers.map(({ clientUrls }) => clientUrls[0]).join(',');
        expect(await kvctl(endpoints, 'put', 'a', 'b')).toMatchObject({ stdout: 'OK\n' });
        expect((await kvctl(endpoints, 'endpoint', 'health')).stdout).toMatch(
          /healthy.*\n.*healthy/,
        );
      } finally {
        await Promise.all(servers.map((server) => server.stop()));
      }
    });

    it('may serve HTTP apart from gRPC', async () => {
      await using server = await startSecureServer({
        ...served,
        'listen-client-urls': 'https://127.0.0.1:0,http://127.0.0.1:0',
        'listen-client-http-urls': 'https://127.0.0.1:0,http://127.0.0.1:0',
      });
      // Sorted by their texts, each list for itself.
      const [plainGrpc = '', grpc = '', plainHttp = '', http = ''] = server.urls;
      expect(await etcdctl(grpc, ...cacert, 'put', 'a', 'b')).toEqual([0, 'OK\n']);
      expect(await etcdctl(plainGrpc, 'get', 'a')).toEqual([0, 'a\nb\n']);
      expect(await page(`${http}/health`)).toEqual(healthy);
      expect(await page(`${http}/health`, '--http1.1')).toEqual(healthy);
      expect(await page(`${plainHttp}/health`)).toEqual(healthy);
      expect((await page(`${grpc}/health`, '--http1.1'))[0]).not.toBe(0);
      expect((await page(`${plainGrpc}/health`))[0]).not.toBe(0);
      const [exitCode] = await etcdctl(http, ...cacert, '--command-timeout=300ms', 'get', 'a');
      expect(exitCode).toBe(1);
    });

    it('may serve metrics alone, to who calls from where the certificate is for', async () => {
      const [port] = await freePorts(1);
      const metrics = `https://127.0.0.1:${port}`;
      await using server = await startSecureServer({
        ...served,
        'trusted-ca-file': authority.file,
        'listen-metrics-urls': metrics,
      });
      const scrape = (names: string) => {
        const { file, keyFile } = authority.issue({ names });
        return page(`${metrics}/metrics`, '--cert', file, '--key', keyFile);
      };
      const [, text] = await scrape('IP:127.0.0.1');
      expect(text).toContain('etcd_server_has_leader 1');
      expect((await page(`${metrics}/version`, '--cert', own.file, '--key', own.keyFile))[1]).toBe(
        '404 page not found\n',
      );
      expect((await scrape('IP:10.1.2.3'))[0]).not.toBe(0);
      expect(await server.rejection()).toMatchObject({
        error: 'x509: certificate is valid for 10.1.2.3, not 127.0.0.1',
      });
    });
  },
);
