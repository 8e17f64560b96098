import { Barrier, DoubleBarrier, Session } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { keysBelow, lineOf } from './places.ts';
import { describeServers } from './servers.ts';

describeServers('a barrier', (client) => {
  it('holds all who come until it is released', async () => {
    const barrier = new Barrier(client(), 'b');
    await barrier.wait();
    await barrier.hold();
    await expect(barrier.hold()).rejects.toMatchObject({ code: 'barrierHeld' });
    expect(await barrier.isHeld()).toBe(true);
    let passed = 0;
    const waiting = [1, 2, 3].map(async () => {
      await new Barrier(client(), 'b').wait();
      passed += 1;
    });
    await client().put('other', 'x');
    expect(passed).toBe(0);
    await barrier.release();
    await Promise.all(waiting);
    expect(await barrier.isHeld()).toBe(false);
  });

  it('falls with a lease, and is not waited for by who gives up', async () => {
    const session = await Session.open(client());
    const barrier = new Barrier(client(), 'b');
    await barrier.hold({ lease: session.lease });
    const patience = new AbortController();
    const waiting = barrier.wait({ signal: patience.signal });
    const other = barrier.wait();
    const failed = expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    patience.abort();
    await failed;
    await session.close();
    await other;
  });
});

describeServers('a double barrier', (client) => {
  it('lets all in together and out together, time after time', async () => {
    const log: string[] = [];
    const sessions = await Promise.all([1, 2, 3].map(() => Session.open(client())));
    const work = async (session: Session) => {
      const barrier = new DoubleBarrier(session, 'd', 3);
      for (let time = 0; time < 4; time++) {
        log.push(`come ${time}`);
        await barrier.enter();
        log.push(`in ${time}`);
        await client().get('anything');
        log.push(`going ${time}`);
        await barrier.leave();
      }
    };
    await Promise.all(sessions.map(work));
    for (let time = 0; time < 4; time++) {
      // All came before the first was in, and all were going before the first of the next time came.
      expect(log.lastIndexOf(`come ${time}`)).toBeLessThan(log.indexOf(`in ${time}`));
      if (time === 0) continue;
      expect(log.lastIndexOf(`going ${time - 1}`)).toBeLessThan(log.indexOf(`come ${time}`));
    }
    expect(await keysBelow(client(), 'd/')).toEqual([]);
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('refuses who is too many, and forgets who gives up or is lost', async () => {
    const open = () => Session.open(client());
    const [a, b, c] = [await open(), await open(), await open()] as const;
    const patience = new AbortController();
    const impatient = new DoubleBarrier(a, 'd', 2).enter({ signal: patience.signal });
    const failed = expect(impatient).rejects.toMatchObject({ code: 'aborted' });
    await lineOf(client(), 'd/', 1);
    patience.abort();
    await failed;
    const inA = new DoubleBarrier(a, 'd', 2);
    const inB = new DoubleBarrier(b, 'd', 2);
    await Promise.all([inA.enter(), inB.enter()]);
    const late = new DoubleBarrier(c, 'd', 2).enter();
    // The session that is lost has left.
    await b.close();
    await inA.leave();
    await lineOf(client(), 'd/', 1);
    const other = new DoubleBarrier(a, 'd', 2);
    await Promise.all([late, other.enter()]);
    await expect(other.enter()).rejects.toMatchObject({ code: 'configuration' });
    await Promise.all([a.close(), c.close()]);
  });

  it('is ended when all who were inside have died', async () => {
    const [a, b] = [await Session.open(client()), await Session.open(client())] as const;
    await Promise.all([a, b].map((one) => new DoubleBarrier(one, 'd', 2).enter()));
    await Promise.all([a.close(), b.close()]);
    expect(await keysBelow(client(), 'd/')).toEqual(['d/ready']);
    const [c, d] = [await Session.open(client()), await Session.open(client())] as const;
    const barriers = [c, d].map((one) => new DoubleBarrier(one, 'd', 2));
    await Promise.all(barriers.map((barrier) => barrier.enter()));
    await Promise.all(barriers.map((barrier) => barrier.leave()));
    await Promise.all([c.close(), d.close()]);
  });
});
