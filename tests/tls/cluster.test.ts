import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Authority, type IssuedCertificate } from '../framework/authority.ts';
import { TestCluster } from '../framework/cluster.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { run } from './run.ts';

const openssl = systemProgram('openssl');
const real = realEtcd('3.5');

/** Files in one place whose contents are replaced, as those who renew certificates do. */
class InstalledFiles implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'kvorum-installed-'));
  readonly file = join(this.folder, 'cert.pem');
  readonly keyFile = join(this.folder, 'key.pem');
  readonly caFile = join(this.folder, 'ca.pem');

  install({ file, keyFile }: IssuedCertificate, caFile: string): void {
    this.#replace(caFile, this.caFile);
    this.#replace(keyFile, this.keyFile);
    this.#replace(file, this.file);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #replace(from: string, to: string): void {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  }
}

describe.skipIf(openssl === undefined || real === undefined)(
  'three members over mutual TLS',
  () => {
    if (openssl === undefined || real === undefined) return;

    it('serve clients, restart, and go on with new certificates of a new authority', async () => {
      using first = new Authority(openssl, 'first');
      using second = new Authority(openssl, 'second');
      using installed = new InstalledFiles();
      installed.install(first.issue({ commonName: 'member' }), first.file);
      const { file, keyFile, caFile } = installed;
      await using cluster = await TestCluster.start({
        scheme: 'https',
        flags: [
          ...[`--cert-file=${file}`, `--key-file=${keyFile}`, `--trusted-ca-file=${caFile}`],
          ...['--client-cert-auth', '--peer-client-cert-auth'],
          ...[`--peer-cert-file=${file}`, `--peer-key-file=${keyFile}`],
          ...[`--peer-trusted-ca-file=${caFile}`, '--peer-cert-allowed-cn=member'],
          '--unsafe-no-fsync',
        ],
      });
      const endpoints = cluster.members.map(({ url }) => url).join(',');
      const etcdctl = (...args: readonly string[]) => {
        const trust = ['--cacert', caFile, '--cert', file, '--key', keyFile];
        return run(real.etcdctl, [`--endpoints=${endpoints}`, ...trust, ...args]);
      };
      const answers = async (key: string) => {
        expect(await etcdctl('put', key, 'value')).toEqual([0, 'OK\n']);
        for (const { url } of cluster.members) {
          expect(await etcdctl('get', key, `--endpoints=${url}`)).toEqual([0, `${key}\nvalue\n`]);
        }
      };
      await answers('before');

      const restarted = cluster.member(1);
      await restarted.stop();
      await restarted.restart();
      await answers('after a restart');

      // Members that are connected stay so; the new authority decides whenever somebody connects.
      installed.install(second.issue({ commonName: 'member' }), second.file);
      await answers('with new certificates');
      for (const member of cluster.members) {
        await member.kill();
        await member.restart();
      }
      await answers('connected anew');

      const stranger = first.issue({ commonName: 'member' });
      const args = ['--cacert', second.file, '--cert', stranger.file, '--key', stranger.keyFile];
      const [exitCode] = await run(real.etcdctl, [
        ...[`--endpoints=${endpoints}`, ...args, '--command-timeout=500ms', 'get', 'before'],
      ]);
      expect(exitCode).toBe(1);
    });
  },
);
