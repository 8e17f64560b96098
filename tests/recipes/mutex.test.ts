import { type Client, op } from '@kvorum/client';
import { Mutex, Session } from '@kvorum/recipes';
import { beforeEach, expect, it } from 'vitest';
import { describeMembers, describeTargets, Target } from '../client/targets.ts';
import { eventually } from '../framework/eventually.ts';
import { keysBelow, lineOf } from './places.ts';

let spaces = 0;

describeTargets('a mutex', (target) => {
  let client: Client;
  beforeEach(() => {
    client = target().connect().namespace(`mutex-${spaces++}/`);
  });

  it('is held by one at a time, in the order of asking', async () => {
    const order: number[] = [];
    let holders = 0;
    await using first = await Session.open(client);
    const held = await new Mutex(first, 'm').lock();
    const waiting: Promise<void>[] = [];
    for (let i = 0; i < 5; i++) {
      const work = async () => {
        await using session = await Session.open(client);
        await using lock = await new Mutex(session, 'm').lock();
        expect(++holders).toBe(1);
        order.push(i);
        await client.put('owner', String(i));
        lock.throwIfLost();
        holders -= 1;
      };
      waiting.push(work());
      await lineOf(client, 'm/', i + 2);
    }
    await held.release();
    await Promise.all(waiting);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(await keysBelow(client, 'm/')).toEqual([]);
  });

  it('has tokens that grow from holder to holder', async () => {
    await using session = await Session.open(client);
    const mutex = new Mutex(session, 'm');
    const tokens: bigint[] = [];
    for (let i = 0; i < 3; i++) {
      await using lock = await mutex.lock();
      expect(lock.key).toBe(`m/${session.leaseName}`);
      expect((await client.get(lock.key))?.createRevision).toBe(lock.token);
      tokens.push(lock.token);
    }
    expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)));
    expect(new Set(tokens).size).toBe(3);
  });

  it('takes turns among those who share a session', async () => {
    await using session = await Session.open(client);
    let holders = 0;
    const work = async () => {
      await using _lock = await new Mutex(session, 'm').lock();
      expect(++holders).toBe(1);
      await client.get('anything');
      holders -= 1;
    };
    await Promise.all([work(), work(), work(), work()]);
    expect(session.turns.isTaken(`m/${session.leaseName}`)).toBe(false);
  });

  it('is tried without waiting, and without leaving a key behind', async () => {
    await using one = await Session.open(client);
    await using other = await Session.open(client);
    const lock = await new Mutex(one, 'm').tryLock();
    expect(lock?.signal.aborted).toBe(false);
    expect(await new Mutex(one, 'm').tryLock()).toBeUndefined();
    expect(await new Mutex(other, 'm').tryLock()).toBeUndefined();
    expect(await keysBelow(client, 'm/')).toEqual([lock?.key]);
    await lock?.release();
    expect(await new Mutex(other, 'm').tryLock()).toBeDefined();
  });

  it('leaves no key behind when a waiter gives up', async () => {
    await using one = await Session.open(client);
    await using other = await Session.open(client);
    await using lock = await new Mutex(one, 'm').lock();
    const patience = new AbortController();
    const waiting = new Mutex(other, 'm').lock({ signal: patience.signal });
    const failed = expect(waiting).rejects.toMatchObject({ name: 'RecipeError', code: 'aborted' });
    await lineOf(client, 'm/', 2);
    patience.abort();
    await failed;
    expect(await keysBelow(client, 'm/')).toEqual([lock.key]);
    // One who waits here, behind another of its own session, gives up as well.
    const early = new AbortController();
    const second = new Mutex(one, 'm').lock({ signal: early.signal });
    early.abort();
    await expect(second).rejects.toMatchObject({ code: 'aborted' });
    await expect(new Mutex(one, 'm').lock({ signal: early.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  it('guards transactions, which fail once it is lost', async () => {
    await using session = await Session.open(client);
    const lock = await new Mutex(session, 'm').lock();
    const write = (value: string) => lock.guard(client.txn().then(op.put('file', value)));
    expect((await write('1').commit()).succeeded).toBe(true);
    await lock.release();
    expect(lock.signal.reason).toMatchObject({ code: 'released' });
    expect((await write('2').commit()).succeeded).toBe(false);
    expect((await client.get('file'))?.string()).toBe('1');
    // Nor does the next lock of the same session make an old guard valid.
    await using _next = await new Mutex(session, 'm').lock();
    expect((await write('3').commit()).succeeded).toBe(false);
  });

  it('tells its holder and those who wait that the session is lost', async () => {
    await using one = await Session.open(client, { ttlSeconds: 3 });
    await using other = await Session.open(client, { ttlSeconds: 3 });
    const lock = await new Mutex(one, 'm').lock();
    const waiting = new Mutex(other, 'm').lock();
    // The keys go with the leases, and which of the two is noticed first is open.
    const failed = expect(waiting).rejects.toMatchObject({
      code: expect.stringMatching(/^(sessionLost|evicted)$/),
    });
    await lineOf(client, 'm/', 2);
    await client.leases.revoke(other.leaseId);
    await client.leases.revoke(one.leaseId);
    await failed;
    await eventually('the signal fires', () => lock.signal.aborted);
    expect(() => lock.throwIfLost()).toThrow(/is lost|is gone/);
    await eventually('the session is lost', () => one.signal.aborted);
    await expect(new Mutex(one, 'm').lock()).rejects.toMatchObject({ code: 'sessionLost' });
  });

  it('tells its holder and those who wait that somebody has deleted the key', async () => {
    await using one = await Session.open(client);
    await using other = await Session.open(client);
    const lock = await new Mutex(one, 'm').lock();
    const waiting = new Mutex(other, 'm').lock();
    const failed = expect(waiting).rejects.toMatchObject({ code: 'evicted' });
    const [held = '', waits = ''] = await lineOf(client, 'm/', 2);
    await client.delete(waits);
    await client.delete(held);
    await failed;
    await eventually('the signal fires', () => lock.signal.aborted);
    expect(lock.signal.reason).toMatchObject({ code: 'evicted' });
    await using _again = await new Mutex(one, 'm').lock();
  });
});

describeMembers('a mutex', (start) => {
  it('is waited for while the server is killed and started again', async () => {
    await using member = await start();
    const target = new Target([member.endpoint]);
    const client = target.connect();
    try {
      await using one = await Session.open(client, { ttlSeconds: 20 });
      await using other = await Session.open(client, { ttlSeconds: 20 });
      await using third = await Session.open(client, { ttlSeconds: 20 });
      const lock = await new Mutex(one, 'm').lock();
      const waiting = new Mutex(other, 'm').lock();
      await lineOf(client, 'm/', 2);
      await member.kill();
      const away = new Mutex(third, 'n').lock();
      const joined = expect(away).resolves.toBeDefined();
      await member.restart();
      lock.throwIfLost();
      await lock.release();
      await using next = await waiting;
      expect(next.token).toBeGreaterThan(lock.token);
      expect(await keysBelow(client, 'm/')).toEqual([next.key]);
      await joined;
    } finally {
      target.close();
    }
  });
});
