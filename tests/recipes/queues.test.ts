import { PriorityQueue, Queue } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { keysBelow } from './places.ts';
import { describeServers } from './servers.ts';

describeServers('a queue', (client) => {
  it('gives each value to one taker, in the order in which they came', async () => {
    const queue = new Queue(client(), 'q');
    for (let i = 0; i < 10; i++) await queue.enqueue(String(i));
    expect(await queue.length()).toBe(10);
    const values: string[] = [];
    for (let i = 0; i < 10; i++) values.push((await queue.dequeue()).string());
    expect(values).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(await queue.tryDequeue()).toBeUndefined();
    expect(await keysBelow(client(), 'q/')).toEqual([]);
  });

  it('is waited for by many, and loses and doubles nothing', async () => {
    const taken: string[] = [];
    const takers = Array.from({ length: 4 }, async () => {
      const queue = new Queue(client(), 'q');
      for (let i = 0; i < 10; i++) taken.push((await queue.dequeue()).string());
    });
    const producer = async (name: string) => {
      const queue = new Queue(client(), 'q');
      for (let i = 0; i < 20; i++) await queue.enqueue(`${name}${i}`);
    };
    await Promise.all([producer('a'), producer('b'), ...takers]);
    expect(new Set(taken).size).toBe(40);
    expect(await new Queue(client(), 'q').length()).toBe(0);
  });

  it('is waited for no longer by who gives up', async () => {
    const queue = new Queue(client(), 'q');
    const patience = new AbortController();
    const waiting = queue.dequeue({ signal: patience.signal });
    const failed = expect(waiting).rejects.toMatchObject({ name: 'RecipeError', code: 'aborted' });
    patience.abort();
    await failed;
    await queue.enqueue('kept');
    expect((await queue.dequeue()).string()).toBe('kept');
  });
});

describeServers('a priority queue', (client) => {
  it('gives what is urgent first, and in order where it is equally so', async () => {
    const queue = new PriorityQueue(client(), 'p');
    for (const [value, priority] of [
      ['late', 500],
      ['first', 2],
      ['second', 2],
      ['urgent', 0],
      ['middle', 30],
    ] as const) {
      await queue.enqueue(value, priority);
    }
    expect((await keysBelow(client(), 'p/'))[0]).toBe('p/00500/0000000000000001');
    const values: string[] = [];
    for (let i = 0; i < 5; i++) values.push((await queue.dequeue()).string());
    expect(values).toEqual(['urgent', 'first', 'second', 'middle', 'late']);
    expect(await queue.tryDequeue()).toBeUndefined();
    await expect(queue.enqueue('x', -1)).rejects.toMatchObject({ code: 'configuration' });
    await expect(queue.enqueue('x', 100_000)).rejects.toMatchObject({ code: 'configuration' });
  });

  it('is filled and emptied by many at once', async () => {
    const queue = new PriorityQueue(client(), 'p');
    const taken: string[] = [];
    const takers = Array.from({ length: 3 }, async () => {
      for (let i = 0; i < 8; i++) taken.push((await queue.dequeue()).string());
    });
    const puts = Array.from({ length: 24 }, (_, i) => queue.enqueue(String(i), i % 3));
    await Promise.all([...puts, ...takers]);
    expect(new Set(taken).size).toBe(24);
    expect(await queue.length()).toBe(0);
  });
});
