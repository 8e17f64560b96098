import { type Hold, RwMutex, Semaphore, Session } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { keysBelow, lineOf } from './places.ts';
import { describeServers } from './servers.ts';

/** Notes who has got what they wait for, in order. */
function noteOrder() {
  const order: string[] = [];
  const note = async (name: string, waiting: Promise<Hold>) => {
    const hold = await waiting;
    order.push(name);
    return hold;
  };
  return { order, note };
}

describeServers('a read-write lock', (client) => {
  it('is held by many readers or one writer, in the order of asking', async () => {
    await using session = await Session.open(client());
    await using other = await Session.open(client());
    const { order, note } = noteOrder();
    const mutex = new RwMutex(session, 'rw');
    const first = await mutex.readLock();
    const second = await new RwMutex(other, 'rw').readLock();
    const writer = note('writer', new RwMutex(other, 'rw').writeLock());
    await lineOf(client(), 'rw/', 3);
    // A reader that comes after a writer waits for it.
    const late = note('late reader', mutex.readLock());
    await lineOf(client(), 'rw/', 4);
    await first.release();
    expect(order).toEqual([]);
    await second.release();
    const written = await writer;
    expect(written.token).toBeGreaterThan(second.token);
    expect(order).toEqual(['writer']);
    await written.release();
    await (await late).release();
    expect(order).toEqual(['writer', 'late reader']);
    expect(await keysBelow(client(), 'rw/')).toEqual([]);
  });

  it('leaves no key behind when a waiter gives up', async () => {
    await using session = await Session.open(client());
    const mutex = new RwMutex(session, 'rw');
    await using writer = await mutex.writeLock();
    const patience = new AbortController();
    const waiting = [
      mutex.readLock({ signal: patience.signal }),
      mutex.writeLock({ signal: patience.signal }),
    ];
    const failed = waiting.map((one) => expect(one).rejects.toMatchObject({ code: 'aborted' }));
    await lineOf(client(), 'rw/', 3);
    patience.abort();
    await Promise.all(failed);
    expect(await keysBelow(client(), 'rw/')).toEqual([writer.key]);
  });
});

describeServers('a semaphore', (client) => {
  it('has so many holders at most, in the order of asking', async () => {
    await using session = await Session.open(client());
    await using other = await Session.open(client());
    let holders = 0;
    let most = 0;
    const order: number[] = [];
    const work = async (number: number) => {
      const semaphore = new Semaphore(number % 2 === 0 ? session : other, 'sem', 3);
      await using permit = await semaphore.acquire();
      order.push(number);
      holders += 1;
      most = Math.max(most, holders);
      await client().get('anything');
      permit.throwIfLost();
      holders -= 1;
    };
    const gate = new Semaphore(session, 'sem', 3);
    const first = [await gate.acquire(), await gate.acquire(), await gate.acquire()];
    const workers: Promise<void>[] = [];
    for (let i = 0; i < 6; i++) {
      workers.push(work(i));
      await lineOf(client(), 'sem/', 4 + i);
    }
    expect(order).toEqual([]);
    await first[1]?.release();
    await first[0]?.release();
    await first[2]?.release();
    await Promise.all(workers);
    expect(most).toBeLessThanOrEqual(3);
    expect(order.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await keysBelow(client(), 'sem/')).toEqual([]);
  });

  it('is given on when a holder loses its session, and not to who gave up', async () => {
    const session = await Session.open(client());
    await using other = await Session.open(client());
    const permit = await new Semaphore(session, 'sem', 1).acquire();
    const patience = new AbortController();
    const gone = new Semaphore(other, 'sem', 1).acquire({ signal: patience.signal });
    const failed = expect(gone).rejects.toMatchObject({ code: 'aborted' });
    await lineOf(client(), 'sem/', 2);
    patience.abort();
    await failed;
    const next = new Semaphore(other, 'sem', 1).acquire();
    await lineOf(client(), 'sem/', 2);
    await session.close();
    expect(permit.signal.aborted).toBe(true);
    await (await next).release();
    expect(() => new Semaphore(other, 'sem', 0)).toThrow(/1 permit at least/);
  });
});
