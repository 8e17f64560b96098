import { describe, expect, it } from 'vitest';
import { type Backend, BackendPool } from './backend-pool.ts';

function backend(name: string, priority = 0, weight = 0): Backend {
  return { address: `${name}:1`, host: name, port: 1, priority, weight };
}

const nobody: ReadonlySet<Backend> = new Set();

function picks(pool: BackendPool, count: number): string {
  return Array.from({ length: count }, () => pool.pick(nobody)?.host).join('');
}

describe('the servers behind a gateway', () => {
  it('take turns', () => {
    const pool = new BackendPool([backend('a'), backend('b'), backend('c')], () => 0);
    expect(picks(pool, 6)).toBe('abcabc');
  });

  it('are chosen by priority, then by weight', () => {
    let drawn = 0;
    const all = [backend('a', 1, 1), backend('b', 1, 3), backend('c', 2, 100)];
    const pool = new BackendPool(all, () => drawn);
    const hosts = [0, 0.24, 0.25, 0.5, 0.99].map((number) => {
      drawn = number;
      return pool.pick(nobody)?.host;
    });
    expect(hosts).toEqual(['a', 'a', 'b', 'b', 'b']);
    for (const one of all.slice(0, 2)) pool.failed(one);
    expect(pool.pick(nobody)?.host).toBe('c');
  });

  it('are left out while they are down, and asked again when all are', () => {
    const [a, b] = [backend('a'), backend('b')];
    const pool = new BackendPool([a, b], () => 0);
    expect(pool.failed(a)).toBe(true);
    expect(pool.failed(a)).toBe(false);
    expect(picks(pool, 3)).toBe('bbb');
    pool.failed(b);
    expect(new Set(picks(pool, 4))).toEqual(new Set('ab'));
    expect(pool.pick(new Set([a]))).toBe(b);
    expect(pool.pick(new Set([a, b]))).toBeUndefined();
    expect(pool.worked(a)).toBe(true);
    expect(pool.worked(a)).toBe(false);
    expect(picks(pool, 2)).toBe('aa');
    expect(pool.down).toEqual([b]);
  });
});
