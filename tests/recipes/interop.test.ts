import { type Client, connect } from '@kvorum/client';
import { Election, Mutex, Session } from '@kvorum/recipes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKvctl } from '../ctl/in-process.ts';
import { Etcdctl } from '../framework/etcdctl.ts';
import { eventually } from '../framework/eventually.ts';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { lineOf } from './places.ts';

const real = realEtcd('3.5');

describe.skipIf(real === undefined).each(['Kvorum', 'etcd'])('with etcdctl, on %s', (name) => {
  let server: TestMember;
  let etcdctl: Etcdctl;
  let client: Client;
  let session: Session;
  const kvctl = (args: readonly string[], interruption?: AbortSignal) => {
    const env = { ETCDCTL_ENDPOINTS: server.endpoint };
    return runKvctl({ args, env, ...(interruption === undefined ? {} : { interruption }) });
  };

  beforeAll(async () => {
    if (real === undefined) return;
    server = await (name === 'etcd' ? startEtcd(real) : startKvorum());
    etcdctl = new Etcdctl(real, server.endpoint);
    client = connect({ endpoints: [server.endpoint] });
    session = await Session.open(client);
  });
  afterAll(async () => {
    await session.close();
    client.close();
    await server[Symbol.asyncDispose]();
  });

  it('a lock goes from one to the other', async () => {
    const lock = await new Mutex(session, 'shared').lock();
    await using waiter = await etcdctl.start('lock', 'shared');
    await lineOf(client, 'shared/', 2);
    expect(waiter.stdout.lines).toEqual([]);
    const ours = new Mutex(session, 'shared').lock();
    await lock.release();
    // etcdctl came before our second one.
    const [key] = await waiter.stdout.firstLines(1);
    expect((await lineOf(client, 'shared/', 2))[0]).toBe(key);
    waiter.signal('SIGINT');
    await using again = await ours;
    expect(again.token).toBeGreaterThan(lock.token);
    await waiter.exited;
    expect(await lineOf(client, 'shared/', 1)).toEqual([again.key]);
    expect(await new Mutex(session, 'shared').tryLock()).toBeUndefined();
  });

  it('a lock goes from kvctl to us', async () => {
    const interruption = new AbortController();
    const holder = kvctl(['lock', 'ours'], interruption.signal);
    await lineOf(client, 'ours/', 1);
    expect(await new Mutex(session, 'ours').tryLock()).toBeUndefined();
    const waiting = new Mutex(session, 'ours').lock();
    await lineOf(client, 'ours/', 2);
    interruption.abort();
    expect(await holder).toMatchObject({ exitCode: 0 });
    await (await waiting).release();
  });

  it('leaders follow each other, and each side observes them', async () => {
    const left = new AbortController();
    const seen: string[] = [];
    const observing = (async () => {
      const election = new Election(session, 'chair');
      for await (const leader of election.observe({ signal: left.signal })) {
        seen.push(leader.string());
      }
    })();
    observing.catch(() => {});
    const first = await new Election(session, 'chair').campaign('ours');
    // From then on it watches, and leaves nothing out that the leader says.
    await eventually('we see ours', () => seen.at(-1) === 'ours');
    await using observer = await etcdctl.start('elect', '-l', 'chair');
    await observer.stdout.firstLines(2);
    await using theirs = await etcdctl.start('elect', 'chair', 'theirs');
    await lineOf(client, 'chair/', 2);
    await first.proclaim('ours again');
    await observer.stdout.firstLines(4);
    await first.resign();
    await theirs.stdout.firstLines(2);
    const lines = await observer.stdout.firstLines(6);
    expect(lines.filter((_, at) => at % 2 === 1)).toEqual(['ours', 'ours again', 'theirs']);
    await eventually('we see theirs', () => seen.at(-1) === 'theirs');
    const next = new Election(session, 'chair').campaign('back');
    await lineOf(client, 'chair/', 2);
    theirs.signal('SIGINT');
    await using leadership = await next;
    await eventually('we see ours once more', () => seen.at(-1) === 'back');
    expect(seen).toEqual(['ours', 'ours again', 'theirs', 'back']);
    expect((await new Election(session, 'chair').leader())?.createRevision).toBe(leadership.token);
    left.abort();
  });
});

describe.skipIf(real === undefined)('with etcd’s own lock and election services', () => {
  it('we contend', async () => {
    if (real === undefined) return;
    await using server = await startEtcd(real);
    const client = connect({ endpoints: [server.endpoint] });
    const session = await Session.open(client);
    const bytes = (text: string) => new TextEncoder().encode(text);
    const { ID: lease } = await client.rpc.lease.leaseGrant({ TTL: 60n });
    const theirs = await client.rpc.lock.lock({ name: bytes('service'), lease });
    expect(await new Mutex(session, 'service').tryLock()).toBeUndefined();
    const ours = new Mutex(session, 'service').lock();
    await lineOf(client, 'service/', 2);
    await client.rpc.lock.unlock({ key: theirs.key });
    await (await ours).release();
    const election = { name: bytes('post'), lease, value: bytes('them') };
    const { leader } = await client.rpc.election.campaign(election);
    expect((await new Election(session, 'post').leader())?.string()).toBe('them');
    const next = new Election(session, 'post').campaign('us');
    await lineOf(client, 'post/', 2);
    await client.rpc.election.resign(leader === undefined ? {} : { leader });
    await using leadership = await next;
    const { kv } = await client.rpc.election.leader({ name: bytes('post') });
    expect(kv?.createRevision).toBe(leadership.token);
    await client.leases.revoke(lease);
    client.close();
  });
});
