import { describe, expect, it } from 'vitest';
import { maxStreamId } from './frames.ts';
import { StreamIds } from './stream-ids.ts';

describe('stream identifiers', () => {
  it('of a client are odd, grow, and run out', () => {
    const ids = new StreamIds(false, maxStreamId - 2);
    expect([ids.allocate(), ids.allocate(), ids.allocate()]).toEqual([
      maxStreamId - 2,
      maxStreamId,
      undefined,
    ]);
  });

  it('tell what was closed from what was never open', () => {
    const ids = new StreamIds(true);
    ids.open(1);
    ids.open(3);
    ids.open(9);
    expect([1, 3, 5, 9, 11, 2].map((id) => ids.stateOf(id))).toEqual([
      'closed',
      'closed',
      'skipped',
      'skipped',
      'idle',
      'idle',
    ]);
  });

  it('are ignored after a reset, but not for ever', () => {
    const ids = new StreamIds(true);
    for (let id = 1; id < 10_001; id += 2) {
      ids.open(id);
      ids.rememberReset(id);
    }
    expect(ids.stateOf(9999)).toBe('ignored');
    expect(ids.stateOf(1)).toBe('closed');
  });

  it('are ignored when no more are accepted', () => {
    const ids = new StreamIds(true);
    ids.open(5);
    ids.acceptNoMore();
    expect(ids.stateOf(7)).toBe('ignored');
  });
});
