import { type Client, connect } from '@kvorum/client';
import { Election, Mutex, Session } from '@kvorum/recipes';
import { describe, expect, it } from 'vitest';
import { describeTargets } from '../client/targets.ts';
import { eventually } from '../framework/eventually.ts';
import { startKvorum } from '../framework/member.ts';
import { readMetric } from '../framework/metric.ts';
import { lineOf } from './places.ts';

const bytes = (text: string) => Buffer.from(text);

async function grant(client: Client, seconds = 60): Promise<bigint> {
  return (await client.rpc.lease.leaseGrant({ TTL: BigInt(seconds) })).ID;
}

describeTargets('the lock service', (target) => {
  it('gives a lock to one lease after the other', async () => {
    const client = target().connect();
    const { lock, lease: leases } = client.rpc;
    const [first, second] = [await grant(client), await grant(client)];
    const held = await lock.lock({ name: bytes('svc'), lease: first });
    expect(Buffer.from(held.key).toString()).toBe(`svc/${first.toString(16)}`);
    expect(held.header?.revision).toBe((await client.get(held.key))?.createRevision);
    expect((await client.get(held.key))?.lease).toBe(first);
    // Whoever has it gets it again.
    expect((await lock.lock({ name: bytes('svc'), lease: first })).key).toEqual(held.key);
    const waiting = lock.lock({ name: bytes('svc'), lease: second });
    await lineOf(client, 'svc/', 2);
    const unlocked = await lock.unlock({ key: held.key });
    expect(unlocked.header?.revision).toBeGreaterThan(held.header?.revision ?? 0n);
    const { key } = await waiting;
    expect(Buffer.from(key).toString()).toBe(`svc/${second.toString(16)}`);
    // Locks end with their leases, and unlocking what is not locked is no error.
    await leases.leaseRevoke({ ID: second });
    expect(await client.count({ prefix: 'svc/' })).toBe(0);
    await lock.unlock({ key });
    await expect(lock.unlock({})).rejects.toMatchObject({ code: 'emptyKey' });
  });

  it('grants a lease of 60 s to who brings none, and refuses unknown ones', async () => {
    const client = target().connect();
    const { lock } = client.rpc;
    const { key } = await lock.lock({ name: bytes('unleased') });
    const { lease } = (await client.get(key)) ?? {};
    expect(Buffer.from(key).toString()).toBe(`unleased/${lease?.toString(16)}`);
    expect((await client.leases.timeToLive(lease ?? 0n)).grantedTtlSeconds).toBe(60);
    const unknown = lock.lock({ name: bytes('unknown'), lease: 404n });
    await expect(unknown).rejects.toMatchObject({ code: 'leaseNotFound' });
  });

  it('leaves no key of one who gives up, or whose time is over', async () => {
    const client = target().connect();
    const { lock } = client.rpc;
    const name = bytes('given-up');
    const [holder, waiter] = [await grant(client), await grant(client)];
    await lock.lock({ name, lease: holder });
    const over = new AbortController();
    const waiting = lock.lock({ name, lease: waiter }, { signal: over.signal });
    await lineOf(client, 'given-up/', 2);
    over.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await lineOf(client, 'given-up/', 1);
    const impatient = lock.lock({ name, lease: waiter }, { timeoutMs: 200 });
    await expect(impatient).rejects.toMatchObject({ code: 'timeout' });
    await lineOf(client, 'given-up/', 1);
  });

  it('refuses one whose lease ends while it waits', async () => {
    const client = target().connect();
    const { lock, lease: leases } = client.rpc;
    const name = bytes('expired');
    const [holder, waiter] = [await grant(client), await grant(client)];
    const { key } = await lock.lock({ name, lease: holder });
    const waiting = lock.lock({ name, lease: waiter });
    waiting.catch(() => {});
    await lineOf(client, 'expired/', 2);
    await leases.leaseRevoke({ ID: waiter });
    await lock.unlock({ key });
    const message = 'mutex: session is expired';
    await expect(waiting).rejects.toMatchObject({ status: 2, message });
  });

  it('takes names that are no text', async () => {
    const client = target().connect();
    const name = Uint8Array.of(0xff, 0, 0xfe);
    const lease = await grant(client);
    const { key } = await client.rpc.lock.lock({ name, lease });
    expect(Buffer.from(key)).toEqual(Buffer.concat([name, bytes(`/${lease.toString(16)}`)]));
    expect(await client.get(key)).toBeDefined();
    const nameless = await client.rpc.lock.lock({ lease });
    expect(Buffer.from(nameless.key).toString()).toBe(`/${lease.toString(16)}`);
  });

  it('contends with the mutexes of clients', async () => {
    const client = target().connect();
    await using session = await Session.open(client);
    const lease = await grant(client);
    const mine = await new Mutex(session, 'both').lock();
    const theirs = client.rpc.lock.lock({ name: bytes('both'), lease });
    await lineOf(client, 'both/', 2);
    const mineAgain = new Mutex(session, 'both').lock();
    await mine.release();
    const { key } = await theirs;
    await lineOf(client, 'both/', 2);
    await client.rpc.lock.unlock({ key });
    await (await mineAgain).release();
  });
});

describeTargets('the election service', (target) => {
  it('elects one after the other, and tells who leads', async () => {
    const client = target().connect();
    const { election } = client.rpc;
    const name = bytes('chair');
    const [first, second] = [await grant(client), await grant(client)];
    const nobody = { status: 2, message: 'election: no leader' };
    await expect(election.leader({ name })).rejects.toMatchObject(nobody);
    const won = await election.campaign({ name, lease: first, value: bytes('one') });
    const key = Buffer.from(`chair/${first.toString(16)}`);
    expect(won.leader).toMatchObject({ lease: first, rev: won.header?.revision });
    expect(Buffer.from(won.leader?.key ?? '')).toEqual(key);
    expect(Buffer.from(won.leader?.name ?? '')).toEqual(name);
    const { kv } = await election.leader({ name });
    expect(kv).toMatchObject({ createRevision: won.leader?.rev, version: 1n, lease: first });
    expect(Buffer.from(kv?.key ?? '')).toEqual(key);

    const next = election.campaign({ name, lease: second, value: bytes('two') });
    await lineOf(client, 'chair/', 2);
    await election.proclaim({ leader: won.leader, value: bytes('one again') });
    expect(Buffer.from((await election.leader({ name })).kv?.value ?? '').toString()).toBe(
      'one again',
    );
    await election.resign({ leader: won.leader });
    const { leader } = await next;
    expect(leader?.lease).toBe(second);

    // Who leads no longer can neither proclaim nor resign for the next one.
    const late = election.proclaim({ leader: won.leader, value: bytes('late') });
    await expect(late).rejects.toMatchObject({ status: 2, message: 'election: not leader' });
    await election.resign({ leader: won.leader });
    expect(Buffer.from((await election.leader({ name })).kv?.value ?? '').toString()).toBe('two');
    const again = await election.campaign({ name, lease: second, value: bytes('three') });
    expect(again.leader?.rev).toBe(leader?.rev);
    expect(Buffer.from((await election.leader({ name })).kv?.value ?? '').toString()).toBe('three');
  });

  it('refuses who names no leader', async () => {
    const { election } = target().connect().rpc;
    const refusal = { status: 2, message: '"leader" field must be provided' };
    await expect(election.proclaim({ value: bytes('x') })).rejects.toMatchObject(refusal);
    await expect(election.resign({})).rejects.toMatchObject(refusal);
  });

  it('tells observers of each leader and of what it proclaims', async () => {
    const client = target().connect();
    const { election } = client.rpc;
    const name = bytes('seen');
    const stream = election.observe({ name });
    const seen = stream[Symbol.asyncIterator]();
    const next = async () => {
      const { value } = await seen.next();
      return Buffer.from(value?.kv?.value ?? '').toString();
    };
    const lease = await grant(client);
    const first = next();
    const { leader } = await election.campaign({ name, lease, value: bytes('a') });
    expect(await first).toBe('a');
    await election.proclaim({ leader, value: bytes('b') });
    expect(await next()).toBe('b');
    await election.resign({ leader });
    await using session = await Session.open(client);
    await using _ours = await new Election(session, 'seen').campaign('ours');
    expect(await next()).toBe('ours');
    stream.cancel();
  });
});

describe('a member of Kvorum', () => {
  it('keeps nothing of locks and elections that are over, and ends those that wait when it stops', async () => {
    await using member = await startKvorum();
    await using client = connect({ endpoints: [member.endpoint] });
    const { lock, election } = client.rpc;
    const held = await lock.lock({ name: bytes('leak'), lease: await grant(client) });
    const over = new AbortController();
    const { signal } = over;
    const waiting = Array.from({ length: 20 }, async () => {
      return lock.lock({ name: bytes('leak'), lease: await grant(client) }, { signal });
    });
    const observers = Array.from({ length: 20 }, () => election.observe({ name: bytes('leak') }));
    const read = observers.map((observer) => observer[Symbol.asyncIterator]().next());
    await Promise.all(read);
    await lineOf(client, 'leak/', 21);
    const watchers = () => readMetric(member.url, 'etcd_debugging_mvcc_watcher_total');
    await eventually('all wait for keys', async () => (await watchers()) === 40);
    over.abort();
    for (const observer of observers) observer.cancel();
    await Promise.allSettled(waiting);
    await eventually('nobody waits', async () => (await watchers()) === 0);
    await lineOf(client, 'leak/', 1);

    const late = lock.lock({ name: bytes('leak'), lease: await grant(client) }, { timeoutMs: 0 });
    const told = expect(late).rejects.toMatchObject({ failures: [{ endpoint: member.endpoint }] });
    await lineOf(client, 'leak/', 2);
    const status = await member.stop();
    expect(status).toMatchObject({ code: 0 });
    await told;
    expect(held.key.length).toBeGreaterThan(0);
  });
});
