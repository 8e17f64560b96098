import { FairLock, SequentialKeys, Session } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { keysBelow, lineOf } from './places.ts';
import { describeServers } from './servers.ts';

describeServers('sequential keys', (client) => {
  it('are numbered in the order of their creation, without gaps, by many at once', async () => {
    const creators = Array.from({ length: 4 }, () => new SequentialKeys(client(), 's'));
    const created = await Promise.all(
      creators.flatMap((keys, at) => [1, 2, 3, 4, 5].map(() => keys.create(`by ${at}`))),
    );
    const inOrder = created.toSorted((a, b) => a.number - b.number);
    expect(inOrder.map(({ number }) => number)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(inOrder.map(({ revision }) => revision)).toEqual(
      created.map(({ revision }) => revision).toSorted((a, b) => Number(a - b)),
    );
    expect(await keysBelow(client(), 's/')).toEqual(inOrder.map(({ key }) => key));
    expect(inOrder[0]?.key).toBe('s/0000000000000001');
  });

  it('never give a number twice, though keys are deleted', async () => {
    const keys = new SequentialKeys(client(), 's');
    const { key } = await keys.create('a');
    await client().delete(key);
    expect((await keys.create('b')).number).toBe(2);
    // What etcd's recipes write: a base key without a number.
    await client().put('__s', '');
    expect((await keys.create('c')).number).toBe(3);
    expect((await client().get('s/0000000000000003'))?.string()).toBe('c');
  });

  it('go away with a lease', async () => {
    const lease = await client().lease(60);
    const { key } = await new SequentialKeys(client(), 's').create('a', { lease });
    expect((await client().get(key))?.lease).toBe(lease.id);
    await lease.revoke();
    expect(await client().get(key)).toBeUndefined();
  });
});

describeServers('a fair lock', (client) => {
  it('gives everybody a turn, in the order of the tickets', async () => {
    await using session = await Session.open(client());
    await using other = await Session.open(client());
    const order: number[] = [];
    const tickets = [];
    for (let i = 0; i < 6; i++) {
      tickets.push(await new FairLock(i % 2 === 0 ? session : other, 'f').join());
    }
    expect(tickets.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await tickets[3]?.ahead()).toBe(3);
    let holders = 0;
    const turns = tickets.toReversed().map(async (ticket) => {
      await using turn = await ticket.turn();
      expect(++holders).toBe(1);
      await client().get('anything');
      order.push(turn.number);
      holders -= 1;
    });
    await Promise.all(turns);
    expect(order).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await keysBelow(client(), 'f/')).toEqual([]);
  });

  it('is left by who gives up, and those behind go on', async () => {
    await using session = await Session.open(client());
    const lock = new FairLock(session, 'f');
    const first = await lock.lock();
    const patience = new AbortController();
    const second = lock.lock({ signal: patience.signal });
    const failed = expect(second).rejects.toMatchObject({ code: 'aborted' });
    await lineOf(client(), 'f/', 2);
    const third = lock.lock();
    await lineOf(client(), 'f/', 3);
    patience.abort();
    await failed;
    expect(await keysBelow(client(), 'f/')).toHaveLength(2);
    await first.release();
    await using turn = await third;
    expect(turn.number).toBe(3);
    expect(turn.token).toBeGreaterThan(first.token);
    await expect(lock.join({ signal: patience.signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('passes by those whose session is lost', async () => {
    await using one = await Session.open(client());
    const two = await Session.open(client());
    const first = await new FairLock(one, 'f').lock();
    await new FairLock(two, 'f').join();
    const third = new FairLock(one, 'f').lock();
    await lineOf(client(), 'f/', 3);
    await two.close();
    await first.release();
    expect((await third).number).toBe(3);
  });
});
