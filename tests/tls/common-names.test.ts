import { afterAll, describe, expect, it } from 'vitest';
import { startTlsServer } from '../ctl/tls-server.ts';
import { Authority } from '../framework/authority.ts';
import { etcdProgram, kvorumProgram, type ServerProgram } from '../framework/member.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { run } from './run.ts';

const openssl = systemProgram('openssl');
const curl = systemProgram('curl');
const real = realEtcd('3.5');

describe.skipIf(openssl === undefined || curl === undefined || real === undefined)(
  'common names as users',
  () => {
    if (openssl === undefined || curl === undefined || real === undefined) return;
    const authority = new Authority(openssl);
    afterAll(() => authority[Symbol.dispose]());
    const own = authority.issue();
    const shown = Object.fromEntries(
      ['root', 'alice', 'nobody'].map((name) => [name, authority.issue({ commonName: name })]),
    );

    /** Flags of a client that shows the certificate of a user; of the server's, which has no common name, for ''. */
    const flagsOf = (name: string): string[] => {
      const { file, keyFile } = shown[name] ?? own;
      return ['--cacert', authority.file, '--cert', file, '--key', keyFile];
    };

    /** What clients see: everything is set up, then everyone tries. */
    async function transcript(program: ServerProgram): Promise<unknown[]> {
      await using server = await startTlsServer(program, {
        ...own,
        caFile: authority.file,
      });
      const etcdctl = async (name: string, ...args: readonly string[]) => {
        const flags = [`--endpoints=${server.endpoint}`, '--command-timeout=10s', ...flagsOf(name)];
        const [exitCode, output] = await run(real?.etcdctl ?? '', [...flags, ...args]);
        return [exitCode, output.replace(/^\{.*\}\n/gm, '')];
      };
      const setUp = [
        ['user', 'add', 'root', '--no-password'],
        ['user', 'grant-role', 'root', 'root'],
        ['user', 'add', 'alice:secret'],
        ['role', 'add', 'some'],
        ['role', 'grant-permission', 'some', 'readwrite', 'mine', 'mine0'],
        ['user', 'grant-role', 'alice', 'some'],
        ['auth', 'enable'],
      ];
      const said: unknown[] = [];
      for (const args of setUp) said.push(await etcdctl('nobody', ...args));
      for (const name of ['root', 'alice', 'nobody', '']) {
        said.push([name, await etcdctl(name, 'put', 'mine', `of ${name}`)]);
        said.push([name, await etcdctl(name, 'put', 'other', `of ${name}`)]);
        said.push([name, await etcdctl(name, 'get', '', '--prefix')]);
        said.push([name, await etcdctl(name, 'user', 'list')]);
      }
      // The JSON gateway goes by tokens, and says so.
      for (const version of ['--http1.1', '--http2']) {
        const url = `${server.endpoint}/v3/kv/range`;
        const ask = ['-s', '-w', '%{http_code}', version, ...flagsOf('alice'), '-d', '{}', url];
        said.push(await run(curl ?? '', ask));
      }
      // A password counts for more than a certificate.
      said.push(await etcdctl('root', '--user=alice:secret', 'put', 'other', 'of alice'));
      said.push(await etcdctl('root', '--user=alice:wrong', 'put', 'other', 'of alice'));
      return said;
    }

    it('are what they are at the real etcd', async () => {
      const [theirs, ours] = await Promise.all(
        [etcdProgram(real), kvorumProgram()].map(transcript),
      );
      expect(ours).toEqual(theirs);
      expect(ours).toContainEqual(['alice', [0, 'OK\n']]);
      expect(ours).toContainEqual(['alice', [1, 'Error: etcdserver: permission denied\n']]);
    });

    it.each(['--http1.1', '--http2'])('hold for Connect over %s', async (version) => {
      await using server = await startTlsServer(kvorumProgram(), {
        ...own,
        caFile: authority.file,
      });
      const call = async (name: string, method: string, body: object) => {
        const [, said] = await run(curl, [
          ...['-s', version, ...flagsOf(name), '-H', 'content-type: application/json'],
          ...['-d', JSON.stringify(body), `${server.endpoint}/etcdserverpb.${method}`],
        ]);
        return said;
      };
      const options = { noPassword: true };
      await call('', 'Auth/UserAdd', { name: 'root', options });
      await call('', 'Auth/UserAdd', { name: 'alice', options });
      await call('', 'Auth/UserGrantRole', { user: 'root', role: 'root' });
      await call('', 'Auth/AuthEnable', {});
      const put = (name: string) => call(name, 'KV/Put', { key: btoa('a'), value: btoa('b') });
      expect(await put('root')).toMatch(/"revision":"2"/);
      expect(await put('alice')).toContain('permission denied');
      expect(await put('nobody')).toContain('permission denied');
      expect(await put('')).toContain('permission denied');

      // The JSON gateway heeds tokens alone, and says so to who may believe otherwise.
      const gateway = async (name: string) => {
        const flags = ['-s', version, ...flagsOf(name), '-d', '{"key":"YQ=="}'];
        const [, said] = await run(curl, [...flags, `${server.endpoint}/v3/kv/range`]);
        return said;
      };
      expect(await gateway('root')).toBe(
        'CommonName of client sending a request against gateway will be ignored and not used as expected\n',
      );
      expect(await gateway('')).toContain('user name is empty');
    });
  },
);
