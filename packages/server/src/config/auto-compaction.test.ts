import { describe, expect, it } from 'vitest';
import { parseAutoCompaction } from './auto-compaction.ts';

describe('parseAutoCompaction', () => {
  it.each([
    ['periodic', '0', { mode: 'off' }],
    ['periodic', '0s', { mode: 'off' }],
    ['periodic', '2', { mode: 'periodic', retentionMs: 7_200_000 }],
    ['periodic', '1h30m', { mode: 'periodic', retentionMs: 5_400_000 }],
    ['revision', '0', { mode: 'off' }],
    ['revision', '1000', { mode: 'revision', retentionRevisions: 1000 }],
  ])('resolves %s of %s', (mode, retention, expected) => {
    expect(parseAutoCompaction(mode, retention)).toEqual(expected);
  });

  it.each([
    ['', '1', 'undefined auto-compaction-mode'],
    ['x', '1', 'unknown auto-compaction-mode "x"'],
    ['periodic', 'x', 'error parsing CompactionRetention: "x"'],
    ['periodic', '-1h', 'error parsing CompactionRetention: "-1h"'],
    ['revision', '1h', 'error parsing CompactionRetention: "1h" is not a number of revisions'],
    ['revision', '99999999999999999999', 'is not a number of revisions'],
  ])('refuses %j of %j', (mode, retention, message) => {
    expect(() => parseAutoCompaction(mode, retention)).toThrow(message);
  });
});
