import { describe, expect, it } from 'vitest';

import { KeyCache } from './key-cache.ts';
import { KeyMeta } from './key-meta.ts';

function entry(keyText: string, wire: Uint8Array = new Uint8Array(100)): KeyMeta {
  return new KeyMeta(keyText, 2, 2, 0, 1, 0n, wire.length, wire);
}

describe('the key cache', () => {
  it('returns the latest entry of a key, and tells absent from unknown', () => {
    const cache = new KeyCache(1 << 20);
    expect(cache.get('a')).toBeUndefined();
    cache.set('a', null);
    expect(cache.get('a')).toBeNull();
    const meta = entry('a');
    cache.set('a', meta);
    expect(cache.get('a')).toBe(meta);
  });

  it('holds no more than its budget allows, however much is written', () => {
    const cache = new KeyCache(100 * 1024);
    for (let i = 0; i < 10_000; i++) cache.set(`k${i}`, entry(`k${i}`));
    expect(cache.size).toBeLessThan((100 * 1024) / 300);
    expect(cache.get('k9999')).toBeDefined();
    expect(cache.get('k0')).toBeUndefined();
  });

  it('keeps what is in use while other keys come and go', () => {
    const cache = new KeyCache(100 * 1024);
    cache.set('hot', entry('hot'));
    for (let i = 0; i < 10_000; i++) {
      cache.set(`k${i}`, entry(`k${i}`));
      expect(cache.get('hot')?.keyText).toBe('hot');
    }
  });

  it('takes bytes of its own for what stays, so that shared buffers can go', () => {
    const cache = new KeyCache(8 * 1024);
    const shared = new Uint8Array(64 * 1024).fill(7);
    cache.set('hot', entry('hot', shared.subarray(100, 200)));
    expect(cache.get('hot')?.wire?.buffer).toBe(shared.buffer);
    while (cache.get('hot')?.wire?.buffer === shared.buffer) cache.set('other', entry('other'));
    const own = cache.get('hot')?.wire;
    expect(own?.buffer.byteLength).toBe(100);
    expect(own).toEqual(shared.subarray(100, 200));
  });
});
