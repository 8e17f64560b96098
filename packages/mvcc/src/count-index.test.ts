import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CountIndex } from './count-index.ts';
import { keyBytesOf } from './key-text.ts';
import { MemoryEngine } from './memory-engine.ts';

/** The keys of an engine and an index over them, with the same told to both. */
class Counted {
  readonly keys = new Set<string>();
  readonly engine = new MemoryEngine();
  readonly index = new CountIndex(this.engine, { blockKeys: 4, maxBlocks: 16 });

  toggle(keyText: string): void {
    const batch = this.engine.batch();
    const exists = this.keys.delete(keyText);
    if (exists) batch.delete('keys', keyBytesOf(keyText));
    else batch.put('keys', keyBytesOf(keyText), keyBytesOf('row'));
    if (!exists) this.keys.add(keyText);
    batch.write();
    this.index.add(keyText, exists ? -1 : 1);
  }

  check(lo: string, hi: string | undefined): void {
    const expected = [...this.keys].filter((k) => k >= lo && (hi === undefined || k < hi)).length;
    expect(this.index.count({ lo, hi, single: false })).toBe(expected);
  }
}

const key = fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0'));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ toggle: key }) },
  { weight: 2, arbitrary: fc.record({ lo: key, hi: fc.option(key, { nil: undefined }) }) },
);

describe('the count index', () => {
  it('counts like a set, whatever was asked and changed before', () => {
    fc.assert(
      fc.property(fc.array(key), fc.array(step, { maxLength: 60 }), (initial, steps) => {
        const counted = new Counted();
        for (const keyText of new Set(initial)) counted.toggle(keyText);
        for (const each of steps) {
          if ('toggle' in each) counted.toggle(each.toggle);
          else if (each.hi === undefined || each.hi > each.lo) counted.check(each.lo, each.hi);
        }
        counted.check('', undefined);
        expect(counted.index.blocks).toBeLessThanOrEqual(17);
      }),
      { numRuns: 500 },
    );
  });

  it('scans a range once and then only keeps count', () => {
    const counted = new Counted();
    for (let i = 0; i < 40; i++) counted.toggle(`k${String(i).padStart(2, '0')}`);
    counted.check('k05', 'k31');
    counted.toggle('k07');
    counted.toggle('k07x');
    counted.toggle('k08x');
    let scans = 0;
    const scan = counted.engine.scan.bind(counted.engine);
    counted.engine.scan = (...args) => {
      scans++;
      return scan(...args);
    };
    counted.check('k05', 'k31');
    expect(scans).toBe(0);
  });
});
