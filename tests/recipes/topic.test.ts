import type { KeyValue } from '@kvorum/client';
import { type Subscription, Topic } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { describeServers } from './servers.ts';

/** Reads so many messages, and leaves. */
async function take(subscription: Subscription, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const message of subscription) {
    taken.push(message.string());
    if (taken.length === count) break;
  }
  return taken;
}

describeServers('a topic', (client) => {
  it('gives all messages to all subscribers, in one order', async () => {
    const topic = new Topic(client(), 't');
    await topic.publish('before');
    const subscriptions = [topic.subscribe(), new Topic(client(), 't').subscribe()];
    await Promise.all(subscriptions.map((one) => one.opened()));
    const reading = subscriptions.map((one) => take(one, 20));
    const publish = async (name: string) => {
      for (let i = 0; i < 10; i++) await topic.publish(`${name}${i}`);
    };
    await Promise.all([publish('a'), publish('b')]);
    const [first = [], second] = await Promise.all(reading);
    expect(second).toEqual(first);
    expect(first.filter((message) => message.startsWith('a'))).toEqual(
      Array.from({ length: 10 }, (_, i) => `a${i}`),
    );
  });

  it('is replayed to those who come late, and goes on without a gap', async () => {
    const topic = new Topic(client(), 't');
    for (let i = 0; i < 5; i++) await topic.publish(String(i));
    const late = topic.subscribe({ from: 'start' });
    const reading = take(late, 10);
    for (let i = 5; i < 10; i++) await topic.publish(String(i));
    expect(await reading).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('goes on after the last message that was read', async () => {
    const topic = new Topic(client(), 't');
    const positions: bigint[] = [];
    for (let i = 0; i < 3; i++) positions.push(await topic.publish(String(i)));
    const subscription = topic.subscribe({ from: 'start' });
    expect(await take(subscription, 2)).toEqual(['0', '1']);
    expect(subscription.position).toBe(positions[1]);
    const next = topic.subscribe({ from: subscription.position });
    expect(await take(next, 1)).toEqual(['2']);
  });

  it('is replayed in pages', async () => {
    const topic = new Topic(client(), 't');
    const many = Array.from({ length: 1100 }, (_, i) => String(i));
    for (let at = 0; at < many.length; at += 100) {
      // One after the other as far as the server is concerned: they share a connection.
      await Promise.all(many.slice(at, at + 100).map((value) => topic.publish(value)));
    }
    const taken = await take(topic.subscribe({ from: 'start' }), 1100);
    expect(new Set(taken).size).toBe(1100);
  });

  it('goes on by the keys when events were compacted away', async () => {
    const topic = new Topic(client(), 't');
    const first = await topic.publish('0');
    const second = await topic.publish('1');
    await client().rpc.kv.compact({ revision: second });
    expect(await take(topic.subscribe({ from: first }), 1)).toEqual(['1']);
    expect(await take(topic.subscribe({ from: 'start' }), 2)).toEqual(['0', '1']);
  });

  it('is trimmed, and lets messages go after their time', async () => {
    const topic = new Topic(client(), 't', { ttlSeconds: 1 });
    for (let i = 0; i < 5; i++) await topic.publish(String(i));
    expect(await topic.trim(2)).toBe(3);
    expect(await topic.trim(2)).toBe(0);
    expect(await take(topic.subscribe({ from: 'start' }), 2)).toEqual(['3', '4']);
    await eventually('they have run out', async () => (await topic.count()) === 0);
    expect(() => new Topic(client(), 't', { ttlSeconds: 0 })).toThrow(/whole seconds/);
  });

  it('is left by closing, and by the caller’s signal', async () => {
    const topic = new Topic(client(), 't');
    const closed = topic.subscribe();
    const reading = take(closed, 1);
    await closed.opened();
    closed.close();
    expect(await reading).toEqual([]);
    const signal = new AbortController();
    const seen: KeyValue[] = [];
    const aborted = (async () => {
      for await (const one of topic.subscribe({ signal: signal.signal })) seen.push(one);
    })();
    const failed = expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    signal.abort();
    await failed;
    expect(seen).toEqual([]);
  });
});
