import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntervalTree } from './interval-tree.ts';

/** Short texts over few letters, so that intervals collide, nest and touch often. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\u00ff'), maxLength: 3 });
const interval = fc
  .tuple(text, text)
  .filter(([a, b]) => a !== b)
  .map(([a, b]): [string, string] => (a < b ? [a, b] : [b, a]));

function stab(tree: IntervalTree<string>, point: string): string[] {
  const out: string[] = [];
  tree.stab(point, out);
  return out;
}

describe('IntervalTree', () => {
  it('holds the low end of an interval and not its high end', () => {
    const tree = new IntervalTree<string>();
    tree.set('b', 'd', 'b-d');
    expect(stab(tree, 'a')).toEqual([]);
    expect(stab(tree, 'b')).toEqual(['b-d']);
    expect(stab(tree, 'c\u00ff')).toEqual(['b-d']);
    expect(stab(tree, 'd')).toEqual([]);
  });

  it('answers in order of low end, then high end', () => {
    const tree = new IntervalTree<string>();
    for (const [low, high] of [
      ['b', 'z'],
      ['a', 'd'],
      ['b', 'c'],
      ['c', 'd'],
    ] as const) {
      tree.set(low, high, low + high);
    }
    expect(stab(tree, 'b')).toEqual(['ad', 'bc', 'bz']);
  });

  it('replaces the value of an interval it already holds', () => {
    const tree = new IntervalTree<string>();
    tree.set('a', 'b', 'first');
    tree.set('a', 'b', 'second');
    expect(tree.size).toBe(1);
    expect(tree.get('a', 'b')).toBe('second');
    expect(tree.delete('a', 'b')).toBe(true);
    expect(tree.delete('a', 'b')).toBe(false);
    expect(tree.get('a', 'b')).toBeUndefined();
  });

  it('stays balanced when intervals come in order', () => {
    const tree = new IntervalTree<number>();
    for (let i = 0; i < 2000; i += 1) {
      tree.set(String(i).padStart(5, '0'), String(i + 3).padStart(5, '0'), i);
    }
    tree.verify();
    const out: number[] = [];
    tree.stab('01000', out);
    expect(out).toEqual([998, 999, 1000]);
    for (let i = 0; i < 2000; i += 2) {
      tree.delete(String(i).padStart(5, '0'), String(i + 3).padStart(5, '0'));
    }
    tree.verify();
    expect(tree.size).toBe(1000);
  });

  it('equals a plain list under random insertions, removals and searches', () => {
    const step = fc.record({ add: fc.boolean(), at: interval });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(text), (steps, points) => {
        const tree = new IntervalTree<string>();
        const list = new Map<string, [string, string]>();
        for (const { add, at } of steps) {
          const name = at.join('..');
          if (add) {
            tree.set(at[0], at[1], name);
            list.set(name, at);
          } else {
            expect(tree.delete(at[0], at[1])).toBe(list.delete(name));
          }
        }
        tree.verify();
        for (const point of points) {
          const naive = [...list].filter(([, [low, high]]) => low <= point && point < high);
          expect(stab(tree, point).sort()).toEqual(naive.map(([name]) => name).sort());
        }
      }),
      { numRuns: 300 },
    );
  });
});
