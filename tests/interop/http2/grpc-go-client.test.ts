import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandResult, Etcdctl } from '../../framework/etcdctl.ts';
import { within } from '../../framework/eventually.ts';
import { startKvorum, type TestMember } from '../../framework/member.ts';
import { realEtcd } from '../../framework/real-etcd.ts';

// grpc-go, in the real etcdctl, against the transport of a member of Kvorum's.

const real35 = realEtcd('3.5');
const real34 = realEtcd('3.4');

/** What a run wrote; throws what it complained of when it failed. */
function stdoutOf({ status, stdout, stderr }: CommandResult): readonly string[] {
  if (status.code !== 0) throw new Error(stderr.join('\n'));
  return stdout;
}

describe.each([
  { release: '3.5', real: real35 },
  { release: '3.4', real: real34 },
])('etcdctl $release', ({ real }) => {
  // They wait for each other's programs more than they compute, and share no keys.
  describe.skipIf(real === undefined)('with a member of Kvorum', { concurrent: true }, () => {
    let folder: string;
    let member: TestMember;
    let etcdctl: Etcdctl;

    beforeAll(async () => {
      if (real === undefined) throw new Error('no etcdctl');
      folder = await mkdtemp(join(tmpdir(), 'kvorum-grpc-go-'));
      const flags = ['--kvorum-transport=h2', '--kvorum-engine=memory', '--unsafe-no-fsync'];
      member = await startKvorum({ flags });
      etcdctl = new Etcdctl(real, member.endpoint);
    });

    afterAll(async () => {
      await member[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });

    async function lines(...args: readonly string[]): Promise<readonly string[]> {
      return stdoutOf(await etcdctl.run(...args));
    }

    it('puts, gets and deletes', async () => {
      expect(await lines('put', 'key', 'value')).toEqual(['OK']);
      expect(await lines('get', 'key')).toEqual(['key', 'value']);
      expect(await lines('del', 'key')).toEqual(['1']);
      expect(await lines('get', 'key')).toEqual([]);
    });

    it('puts and gets a value larger than the windows', async () => {
      // As much as the server allows, and more than grpc-go's first 64 KiB of window.
      const value = 'large '.repeat(170_000);
      expect(stdoutOf(await etcdctl.runWithInput(value, 'put', 'large'))).toEqual(['OK']);
      expect((await lines('get', 'large', '--print-value-only')).join('\n')).toBe(value);
    });

    it('is told what is wrong', async () => {
      const empty = await etcdctl.run('get', '');
      expect([empty.status.code, empty.stderr.join()]).toEqual([
        1,
        expect.stringContaining('etcdserver: key is not provided'),
      ]);
      const tooLarge = await etcdctl.runWithInput('x'.repeat(1_600_000), 'put', 'large');
      expect([tooLarge.status.code, tooLarge.stderr.join()]).toEqual([
        1,
        expect.stringContaining('etcdserver: request is too large'),
      ]);
      const tooLargeForIt = await etcdctl.runWithInput('x'.repeat(2_200_000), 'put', 'large');
      expect([tooLargeForIt.status.code, tooLargeForIt.stderr.join()]).toEqual([
        1,
        expect.stringContaining('trying to send message larger than max'),
      ]);
    });

    it('gets many pairs in one answer', async () => {
      const value = 'v'.repeat(10_000);
      for (let i = 0; i < 12; i++) {
        // A transaction puts 100 at once.
        const puts = Array.from({ length: 100 }, (_unused, j) => `put many/${i}/${j} ${value}`);
        const input = `\n${puts.join('\n')}\n\n\n`;
        expect(stdoutOf(await etcdctl.runWithInput(input, 'txn'))[0]).toBe('SUCCESS');
      }
      const pairs = await lines('get', 'many/', '--prefix', '--print-value-only');
      expect(pairs.filter((line) => line === value).length).toBe(1200);
      expect(await lines('get', 'many/', '--prefix', '--keys-only', '--limit=2')).toEqual([
        'many/0/0',
        '',
        'many/0/1',
        '',
      ]);
    });

    it('decides by a transaction', async () => {
      await lines('put', 'decision', 'one');
      const ask = 'value("decision") = "one"\n\nput decision two\n\nput decision three\n\n';
      expect(stdoutOf(await etcdctl.runWithInput(ask, 'txn'))[0]).toBe('SUCCESS');
      expect(stdoutOf(await etcdctl.runWithInput(ask, 'txn'))[0]).toBe('FAILURE');
      expect(await lines('get', 'decision', '--print-value-only')).toEqual(['three']);
    });

    it('watches, from now and from the past', async () => {
      const [json = ''] = await lines('put', 'watched/0', 'zero', '-w', 'json');
      const { revision } = JSON.parse(json).header;
      await using watch = await etcdctl.start('watch', 'watched/', '--prefix', `--rev=${revision}`);
      expect(await watch.stdout.firstLines(3)).toEqual(['PUT', 'watched/0', 'zero']);
      for (let i = 1; i < 4; i++) await lines('put', `watched/${i}`, `value ${i}`);
      await lines('del', 'watched/2');
      const expected = ['PUT', 'watched/3', 'value 3', 'DELETE', 'watched/2', ''];
      expect((await watch.stdout.firstLines(15)).slice(9)).toEqual(expected);
    });

    it('keeps a lease alive, and lets it go', async () => {
      const [granted = ''] = await lines('lease', 'grant', '2');
      const lease = granted.split(' ')[1] ?? '';
      await lines('put', 'leased', 'value', `--lease=${lease}`);
      await using keeping = await etcdctl.start('lease', 'keep-alive', lease);
      const alive = `lease ${lease} keepalived with TTL(2)`;
      expect(await keeping.stdout.firstLines(2)).toEqual([alive, alive]);
      expect(await lines('lease', 'revoke', lease)).toEqual([`lease ${lease} revoked`]);
      expect(await lines('get', 'leased')).toEqual([]);
      const ended = await within('the end of the keep-alive', keeping.exited);
      expect(ended.code).toBe(0);
    });

    it('gets a snapshot, which is a long stream', async () => {
      const file = join(folder, 'snapshot.db');
      await lines('snapshot', 'save', file);
      expect((await lines('snapshot', 'status', file, '-w', 'json')).join()).toContain(
        '"totalKey"',
      );
    });
  });
});

describe.skipIf(real35 === undefined)('etcdctl of a release with a younger grpc-go', () => {
  it('calls on a unix socket', async () => {
    if (real35 === undefined) throw new Error('no etcdctl');
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-grpc-go-'));
    const path = join(folder, 'client.sock');
    const flags = ['--kvorum-engine=memory', `--listen-client-urls=unix:${path}`];
    await using local = await startKvorum({ flags });
    const there = new Etcdctl(real35, `unix:${path}`);
    expect(stdoutOf(await there.run('put', 'a', 'b'))).toEqual(['OK']);
    expect(stdoutOf(await there.run('get', 'a'))).toEqual(['a', 'b']);
    expect(await local.stop()).toEqual({ code: 0, signal: null });
    await rm(folder, { recursive: true });
  });

  it('ends its watch when the member says goodbye, and goes on when it is back', async () => {
    const flags = ['--kvorum-transport=h2', '--unsafe-no-fsync'];
    await using leaving = await startKvorum({ flags });
    if (real35 === undefined) throw new Error('no etcdctl');
    const client = new Etcdctl(real35, leaving.endpoint);
    await using watch = await client.start('watch', 'a', '--rev=1');
    expect(stdoutOf(await client.run('put', 'a', '1'))).toEqual(['OK']);
    expect(await watch.stdout.firstLines(3)).toEqual(['PUT', 'a', '1']);
    expect(await leaving.stop()).toEqual({ code: 0, signal: null });
    await leaving.restart();
    // The library watches on from the last revision it has seen.
    expect(stdoutOf(await client.run('put', 'a', '2'))).toEqual(['OK']);
    expect((await watch.stdout.firstLines(6)).slice(3)).toEqual(['PUT', 'a', '2']);
  });
});
