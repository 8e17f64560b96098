import { describe, expect, it } from 'vitest';

import { keyBytesOf } from './key-text.ts';
import { MemoryEngine } from './memory-engine.ts';
import { describeEngine } from './testing/engine-conformance.ts';
import { memoryEngines } from './testing/engine-factories.ts';

describeEngine('the memory engine', memoryEngines());

describe('a crash of the memory engine', () => {
  function written(): MemoryEngine {
    const engine = new MemoryEngine({ crashable: true });
    for (let i = 0; i < 5; i++) {
      const batch = engine.batch();
      batch.put('keys', keyBytesOf(`k${i}`), keyBytesOf('v'));
      batch.put('meta', keyBytesOf('last'), keyBytesOf(String(i)));
      batch.write({ sync: i === 1 });
    }
    return engine;
  }

  function lastOf(engine: MemoryEngine): number {
    return Number(Buffer.from(engine.get('meta', keyBytesOf('last')) ?? []).toString());
  }

  it('keeps what was synced and a prefix of the batches after it, each whole', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      const crashed = written().crashClone(seed);
      const last = lastOf(crashed);
      expect(last).toBeGreaterThanOrEqual(1);
      for (let i = 0; i < 5; i++) {
        expect(crashed.get('keys', keyBytesOf(`k${i}`)) !== undefined).toBe(i <= last);
      }
      seen.add(last);
    }
    expect([...seen].sort()).toEqual([1, 2, 3, 4]);
  });

  it('keeps as many batches as asked', () => {
    expect(lastOf(written().crashClone(0, 0))).toBe(1);
    expect(lastOf(written().crashClone(0, 2))).toBe(3);
  });

  it('loses nothing after a sync', () => {
    const engine = written();
    engine.sync();
    expect(engine.unsyncedBatches).toBe(0);
    expect(lastOf(engine.crashClone(7))).toBe(4);
  });

  it('leaves the engine that crashed as it was', () => {
    const engine = written();
    const crashed = engine.crashClone(0, 0);
    const batch = crashed.batch();
    batch.put('meta', keyBytesOf('last'), keyBytesOf('9'));
    batch.write();
    expect(lastOf(engine)).toBe(4);
  });
});
