import { readFileSync } from 'node:fs';
import {
  ClientClosedError,
  Etcd3,
  EtcdAuthenticationFailedError,
  EtcdError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  EtcdRoleExistsError,
  EtcdRoleNotFoundError,
  EtcdRoleNotGrantedError,
  EtcdUserExistsError,
  EtcdUserNotFoundError,
  GRPCCancelledError,
  GRPCUnavailableError,
  isRecoverableError,
  STMConflictError,
  type Watcher,
} from '@kvorum/client/etcd3';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../framework/authority.ts';
import { Certificate } from '../../framework/certificate.ts';
import { eventually } from '../../framework/eventually.ts';
import { freePorts } from '../../framework/ports.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { TlsFront } from '../../framework/tls-front.ts';
import { startSecureServer } from '../../tls/secure-server.ts';
import { describeMembers } from '../targets.ts';

const openssl = systemProgram('openssl');

/** Everything that a watcher emits, in order. */
function recorded(watcher: Watcher): string[] {
  const seen: string[] = [];
  watcher.on('put', (kv) => seen.push(`put ${kv.key}=${kv.value}`));
  watcher.on('delete', (kv) => seen.push(`delete ${kv.key}`));
  watcher.on('connected', () => seen.push('connected'));
  watcher.on('disconnected', () => seen.push('disconnected'));
  watcher.on('error', (error) => seen.push(`error ${error.constructor.name} ${error.message}`));
  watcher.on('end', () => seen.push('end'));
  return seen;
}

describeMembers('the API of npm etcd3', (start) => {
  it('has watches that go on after a restart, and tell of it', async () => {
    await using member = await start();
    const client = new Etcd3({ hosts: [member.endpoint] });
    const watcher = await client.watch().prefix('w/').create();
    const seen = recorded(watcher);
    await client.put('w/a').value('1');
    await eventually('the first event', () => seen.length === 1);
    await member.kill();
    await eventually('the loss', () => seen.includes('disconnected'));
    await member.restart();
    await client.put('w/a').value('2');
    await client.delete().key('w/a');
    await eventually('all events', () => seen.includes('delete w/a'));
    await watcher.cancel();
    const events = seen.filter((one) => !one.endsWith('connected'));
    expect(events).toEqual(['put w/a=1', 'put w/a=2', 'delete w/a', 'end']);
    expect(seen.indexOf('connected')).toBeGreaterThan(seen.indexOf('disconnected'));
    expect(watcher.id).not.toBeNull();
    client.close();
  });

  it('tells why a watch has failed, and ends it with the client', async () => {
    await using member = await start();
    const client = new Etcd3({ hosts: member.endpoint });
    const { header } = await client.put('k').value('1');
    const last = await client.put('k').value('2');
    await client.native.compact(BigInt(last.header.revision), { physical: true });
    const watcher = client.watch().key('k').startRevision(header.revision).watcher();
    const seen = recorded(watcher);
    await eventually('the error', () => seen.some((one) => one.startsWith('error')));
    const reason = 'Watcher canceled: etcdserver: mvcc: required revision has been compacted';
    expect(seen.at(-1)).toBe(`error EtcdError ${reason}`);
    const hasty = client.watch().key('k').watcher();
    const hastySeen = recorded(hasty);
    await hasty.cancel();
    expect(hastySeen).toEqual(['end']);
    const other = recorded(await client.watch().key('k').create());
    client.close();
    await eventually('the end', () => other.includes('end'));
    await expect(client.watch().key('k').create()).rejects.toThrow(ClientClosedError);
  });

  it('tells of a lease that is lost, and of locks and candidates that are lost with it', async () => {
    await using member = await start();
    const client = new Etcd3({ hosts: member.endpoint });
    const lease = client.lease(1);
    const lost = new Promise((resolve) => lease.once('lost', resolve));
    const id = BigInt(await lease.grant());
    await client.native.leases.revoke(id);
    expect(await lost).toBeInstanceOf(EtcdLeaseInvalidError);
    expect(lease.revoked()).toBe(true);
    expect(lease.signal.aborted).toBe(true);
    await expect(lease.keepaliveOnce()).rejects.toThrow(EtcdLeaseInvalidError);

    const campaign = client.election('job', 1).campaign('me');
    const failed = new Promise((resolve) => campaign.once('error', resolve));
    await campaign.wait();
    const [, key = ''] = (await campaign.getCampaignKey()).split('job/');
    await client.native.leases.revoke(BigInt(key));
    expect(await failed).toBeInstanceOf(EtcdLeaseInvalidError);
    await campaign.resign();

    await client
      .lock('short')
      .ttl(1)
      .do(async (signal) => {
        const held = await client.get('short').exec();
        await client.native.leases.revoke(BigInt(held.kvs[0]?.lease ?? 0));
        await eventually('the signal', () => signal.aborted);
      });
    client.close();
  });

  it('lets candidates resign before they are elected', async () => {
    await using member = await start();
    const client = new Etcd3({ hosts: member.endpoint });
    const election = client.election('job');
    const stand = async (name: string, place: number) => {
      const campaign = election.campaign(name);
      const candidates = client.getAll().prefix('election/');
      await eventually(name, async () => (await candidates.keys()).length === place);
      return campaign;
    };
    const first = await stand('1', 1);
    const second = await stand('2', 2);
    const third = await stand('3', 3);
    await first.wait();
    await second.resign();
    const thirdLeads = third.wait();
    await first.resign();
    await thirdLeads;
    expect(await election.leader()).toBe('3');
    await third.resign();
    expect(await client.getAll().count()).toBe(0);
    client.close();
  });

  it('has software transactions that are apart, and write what is newer than what they read', async () => {
    await using member = await start();
    const client = new Etcd3({ hosts: member.endpoint });
    await client.put('old').value(1);
    await client.put('newer').value(1);
    const stm = client.stm({ retries: 0 });
    await stm.transact(async (tx) => {
      await tx.get('old');
      await tx.put('newer').value(2);
    });
    expect(await client.get('newer').number()).toBe(2);
    const both = ['a', 'b'].map((name) =>
      stm.transact(async (tx) => {
        const seen = await tx.get(name).exists();
        await tx.put(name).value(name);
        return [seen, await tx.get(name).string(), await tx.get(`${name}${name}`).string()];
      }),
    );
    expect(await Promise.all(both)).toEqual([
      [false, 'a', null],
      [false, 'b', null],
    ]);
    const blind = client.stm({ retries: 0 }).transact(async (tx) => {
      await tx.get('old');
      await client.put('newer').value(3);
      await tx.put('newer').value(4);
    });
    await expect(blind).rejects.toThrow(STMConflictError);
    expect(() => stm.get('a')).toThrow(/transact/);
    client.close();
  });

  it('has ranges of one key in namespaces', async () => {
    await using member = await start();
    const client = new Etcd3({ hosts: member.endpoint });
    const space = client.namespace('ns/');
    await space.put('a').value('1');
    await space.put('b').value('2');
    expect(await space.getAll().inRange('a').strings()).toEqual({ a: '1' });
    expect((await space.delete().inRange('a')).deleted).toBe('1');
    expect(await client.getAll().keys()).toEqual(['ns/b']);
    client.close();
  });

  it('leads to the API below it', async () => {
    await using member = await start();
    const client = new Etcd3({ hosts: member.endpoint, defaultCallOptions: { deadline: 2 ** 50 } });
    await client.namespace('ns/').native.put('k', 'v');
    expect(await client.get('ns/k')).toBe('v');
    expect((await client.native.get('ns/k'))?.string()).toBe('v');
    const signal = AbortSignal.abort();
    await expect(client.get('k').options({ signal }).exec()).rejects.toThrow(GRPCCancelledError);
    client.close();
  });

  it.skipIf(openssl === undefined)('speaks TLS', async () => {
    await using member = await start();

    using certificate = new Certificate(openssl ?? '');
    using front = await TlsFront.start(certificate, member.endpoint);
    const rootCertificate = Buffer.from(certificate.cert);
    for (const hosts of [front.url, front.url.replace('https', 'http')]) {
      const client = new Etcd3({ hosts, credentials: { rootCertificate } });
      await client.put('k').value('v');
      expect(await client.get('k')).toBe('v');
      client.close();
    }
  });

  it('manages users and roles', async () => {
    await using member = await start();
    const admin = new Etcd3({ hosts: member.endpoint });
    const [root, alice] = [admin.user('root'), admin.user('alice')];
    await root.create('secret');
    await admin.role('root').create();
    await root.addRole('root');
    await alice.create('wonder');
    const reader = await admin.role('reader').create();
    await reader.addUser(alice);
    await reader.grant([
      { permission: 'Read', range: admin.range({ prefix: 'open/' }) },
      { permission: 'Readwrite', key: 'mine' },
      { permission: 'Write', key: 'gone' },
    ]);
    await reader.revoke({ permission: 'Write', key: 'gone' });
    const permissions = await reader.permissions();
    expect(permissions.map(({ permission, range }) => [permission, String(range.start)])).toEqual([
      ['Readwrite', 'mine'],
      ['Read', 'open/'],
    ]);
    expect((await alice.roles()).map(({ name }) => name)).toEqual(['reader']);
    expect((await admin.getUsers()).map(({ name }) => name)).toEqual(['alice', 'root']);
    expect((await admin.getRoles()).map(({ name }) => name)).toEqual(['reader', 'root']);
    await expect(alice.create('again')).rejects.toThrow(EtcdUserExistsError);
    await expect(reader.create()).rejects.toThrow(EtcdRoleExistsError);
    await expect(admin.role('x').permissions()).rejects.toThrow(EtcdRoleNotFoundError);
    await expect(admin.user('x').roles()).rejects.toThrow(EtcdUserNotFoundError);
    await expect(alice.removeRole('root')).rejects.toThrow(EtcdRoleNotGrantedError);
    await admin.native.auth.enable();

    const as = (username: string, password: string) =>
      new Etcd3({ hosts: member.endpoint, auth: { username, password } });
    const user = as('alice', 'wonder');
    await user.put('mine').value('1');
    await expect(user.put('open/a').value('1').exec()).rejects.toThrow(EtcdPermissionDeniedError);
    await expect(user.watch().key('closed').create()).rejects.toThrow(EtcdPermissionDeniedError);
    const wrong = as('alice', 'wrong');
    await expect(wrong.get('mine').exec()).rejects.toThrow(EtcdAuthenticationFailedError);
    const boss = as('root', 'secret');
    await boss.native.auth.disable();
    await boss.user('alice').delete();
    for (const client of [admin, user, wrong, boss]) client.close();
  });
});

describe('the API of npm etcd3, whatever the server', () => {
  it.skipIf(openssl === undefined)('shows the certificate that a member asks for', async () => {
    using authority = new Authority(openssl ?? '');
    const [mine, its] = [authority.issue(), authority.issue()];
    await using server = await startSecureServer({
      'cert-file': its.file,
      'key-file': its.keyFile,
      'trusted-ca-file': authority.file,
    });
    const rootCertificate = readFileSync(authority.file);
    const [privateKey, certChain] = [readFileSync(mine.keyFile), readFileSync(mine.file)];
    const hosts = server.url;
    const client = new Etcd3({ hosts, credentials: { rootCertificate, privateKey, certChain } });
    await client.put('k').value('v');
    expect(await client.get('k')).toBe('v');
    const stranger = new Etcd3({ hosts, credentials: { rootCertificate } });
    const asking = stranger
      .get('k')
      .options({ deadline: Date.now() + 2000 })
      .exec();
    await expect(asking).rejects.toThrow(GRPCUnavailableError);
    client.close();
    stranger.close();
  });

  it('says so in its own errors', async () => {
    const [port = 0] = await freePorts(1);
    const client = new Etcd3({ hosts: `127.0.0.1:${port}`, dialTimeout: 1000 });
    const error = await client
      .get('k')
      .options({ deadline: new Date(Date.now() + 300) })
      .exec()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(GRPCUnavailableError);
    expect(isRecoverableError(error as Error)).toBe(true);
    expect((error as Error).cause).toMatchObject({ code: 'unreachable', mayHaveApplied: false });
    expect(new EtcdError('x')).not.toBeInstanceOf(EtcdInvalidAuthTokenError);
    client.close();
  });
});
