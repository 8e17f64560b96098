import { describe, expect, it } from 'vitest';
import { memoryDuplexPair } from './memory-duplex.ts';

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a connection in memory', () => {
  it('carries bytes both ways and ends like a socket', async () => {
    const [left, right] = memoryDuplexPair();
    const received: string[] = [];
    left.on('data', (chunk: Buffer) => received.push(`left ${chunk}`));
    right.on('data', (chunk: Buffer) => received.push(`right ${chunk}`));
    right.on('end', () => received.push('right end'));
    left.write('a');
    right.write('b');
    left.end();
    await settle();
    expect(received.sort()).toEqual(['left b', 'right a', 'right end']);
  });

  it('holds the writer back while nobody reads', async () => {
    const [left, right] = memoryDuplexPair();
    let written = 0;
    while (left.write(Buffer.alloc(1000))) written += 1;
    await settle();
    expect(written).toBeLessThan(100);
    expect(left.writableLength).toBeGreaterThan(0);
    let drained = false;
    left.on('drain', () => {
      drained = true;
    });
    right.resume();
    await settle();
    expect(drained).toBe(true);
    expect(left.writableLength).toBe(0);
  });

  it('is gone at both ends when one is destroyed', async () => {
    const [left, right] = memoryDuplexPair();
    left.destroy();
    await settle();
    expect(right.destroyed).toBe(true);
  });
});
