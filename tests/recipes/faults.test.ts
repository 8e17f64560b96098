import {
  Barrier,
  DoubleBarrier,
  Election,
  FairLock,
  Mutex,
  Queue,
  RwMutex,
  Semaphore,
  ServiceBalancer,
  ServiceRegistry,
  Session,
  Topic,
} from '@kvorum/recipes';
import { describe, expect, it } from 'vitest';
import { TestProxy } from '../client/proxy.ts';
import { describeMembers, Target } from '../client/targets.ts';
import { TestCluster } from '../framework/cluster.ts';
import { eventually, within } from '../framework/eventually.ts';
import { lineOf } from './places.ts';

describeMembers('while the server is killed and started again', (start) => {
  it('everybody who waits goes on waiting', async () => {
    await using member = await start();
    const target = new Target([member.endpoint]);
    const client = target.connect();
    const open = () => Session.open(client, { ttlSeconds: 30 });
    try {
      const [one, two] = [await open(), await open()] as const;
      const read = await new RwMutex(one, 'rw').readLock();
      const permit = await new Semaphore(one, 'sem', 1).acquire();
      const turn = await new FairLock(one, 'fair').lock();
      const barrier = new Barrier(client, 'barrier');
      await barrier.hold();
      const registry = new ServiceRegistry(client);
      await using balancer = new ServiceBalancer(registry, 'web');
      await using _instance = await registry.register(
        'web',
        { address: 'one' },
        { ttlSeconds: 30 },
      );
      const topic = new Topic(client, 'topic');
      const messages: string[] = [];
      const subscription = topic.subscribe();
      const reading = (async () => {
        for await (const message of subscription) messages.push(message.string());
      })();
      await subscription.opened();
      const waiting = [
        new RwMutex(two, 'rw').writeLock(),
        new Semaphore(two, 'sem', 1).acquire(),
        new FairLock(two, 'fair').lock(),
        barrier.wait(),
        new DoubleBarrier(two, 'double', 2).enter(),
      ];
      const dequeued = new Queue(client, 'queue').dequeue();
      for (const prefix of ['rw/', 'sem/', 'fair/']) await lineOf(client, prefix, 2);
      await lineOf(client, 'double/', 1);
      await eventually('one instance is known', () => balancer.instances.length === 1);

      await member.kill();
      const released = [read.release(), permit.release(), turn.release()];
      expect(balancer.pick().instance.address).toBe('one');
      await member.restart();

      await Promise.all(released);
      await barrier.release();
      await new DoubleBarrier(one, 'double', 2).enter();
      await new Queue(client, 'queue').enqueue('job');
      await topic.publish('news');
      await within('all go on', Promise.all(waiting), 20_000);
      expect((await dequeued).string()).toBe('job');
      await eventually('the message is seen', () => messages.length === 1);
      await using _two = await registry.register('web', { address: 'two' }, { ttlSeconds: 30 });
      await eventually('both instances are known', () => balancer.instances.length === 2);
      subscription.close();
      await reading;
    } finally {
      target.close();
    }
  });
});

describeMembers('a waiter that gives up while no server can be reached', (start) => {
  it('leaves a key that goes as soon as one can, and joins the line again', async () => {
    await using member = await start();
    const target = new Target([member.endpoint]);
    const client = target.connect();
    try {
      const holder = await Session.open(client, { ttlSeconds: 24 });
      const session = await Session.open(client, { ttlSeconds: 24 });
      const lock = await new Mutex(holder, 'm').lock();
      const patience = new AbortController();
      const waiting = new Mutex(session, 'm').lock({ signal: patience.signal });
      const failed = expect(waiting).rejects.toMatchObject({ code: 'aborted' });
      await lineOf(client, 'm/', 2);
      await member.kill();
      patience.abort();
      // It tries to delete the key for a third of the lease's time, then goes on doing so by itself.
      await within('the waiter gives up', failed, 20_000);
      expect(await new Mutex(session, 'm').tryLock()).toBeUndefined();
      const again = new Mutex(session, 'm').lock();
      await member.restart();
      const [held, key] = await lineOf(client, 'm/', 2);
      expect(held).toBe(lock.key);
      await lock.release();
      const next = await again;
      expect(next.key).toBe(key);
      next.throwIfLost();
      await next.release();
      await lineOf(client, 'm/', 0);
      await Promise.all([holder.close(), session.close()]);
    } finally {
      target.close();
    }
  });
});

describeMembers('a holder that is cut off', (start) => {
  it('knows that it has lost the lock before the next one has it', async () => {
    await using member = await start();
    await using proxy = await TestProxy.open(member.endpoint);
    const near = new Target([member.endpoint]);
    const far = new Target([proxy.endpoint]);
    try {
      const lost = await Session.open(far.connect(), { ttlSeconds: 3 });
      const session = await Session.open(near.connect());
      const lock = await new Mutex(lost, 'm').lock();
      const leadership = await new Election(lost, 'e').campaign('cut off');
      const events: string[] = [];
      lock.signal.addEventListener('abort', () => events.push('lock lost'));
      leadership.signal.addEventListener('abort', () => events.push('leadership lost'));
      const next = [
        new Mutex(session, 'm').lock().then((hold) => events.push(`${hold.token > lock.token}`)),
        new Election(session, 'e')
          .campaign('next')
          .then((hold) => events.push(`${hold.token > leadership.token}`)),
      ];
      proxy.swallow();
      await within('the next ones', Promise.all(next), 30_000);
      expect(events).toEqual(['lock lost', 'leadership lost', 'true', 'true']);
      expect(lock.signal.reason).toMatchObject({ code: 'sessionLost' });
      await expect(leadership.proclaim('still here')).rejects.toMatchObject({
        code: 'sessionLost',
      });
      await expect(new Mutex(lost, 'm').lock()).rejects.toMatchObject({ code: 'sessionLost' });
      await session.close();
    } finally {
      near.close();
      far.close();
    }
  });
});

describe('with three members', () => {
  it('locks and elections go on when the leader of the cluster is killed', async () => {
    await using cluster = await TestCluster.start();
    const target = new Target(cluster.members.map(({ endpoint }) => endpoint));
    const client = target.connect();
    try {
      const [one, two] = [await Session.open(client), await Session.open(client)] as const;
      const lock = await new Mutex(one, 'm').lock();
      const leadership = await new Election(one, 'e').campaign('a');
      const waiting = new Mutex(two, 'm').lock();
      const campaign = new Election(two, 'e').campaign('b');
      await lineOf(client, 'm/', 2);
      await lineOf(client, 'e/', 2);
      const leader = await cluster.leader();
      await leader.kill();
      lock.throwIfLost();
      await Promise.all([lock.release(), leadership.resign()]);
      expect((await waiting).token).toBeGreaterThan(lock.token);
      expect((await campaign).token).toBeGreaterThan(leadership.token);
      expect((await new Election(one, 'e').leader())?.string()).toBe('b');
      await leader.restart();
      await Promise.all([one.close(), two.close()]);
    } finally {
      target.close();
    }
  });
});
