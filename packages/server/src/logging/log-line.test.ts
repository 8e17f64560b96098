import { describe, expect, it } from 'vitest';
import { formatTimestamp, loggable, toConsoleLine } from './log-line.ts';

describe('formatTimestamp', () => {
  it('writes UTC with six decimals', () => {
    expect(formatTimestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe('2026-01-02T03:04:05.678000Z');
    expect(formatTimestamp(0.5)).toBe('1970-01-01T00:00:00.000500Z');
  });
});

describe('loggable', () => {
  it('makes JSON of what JSON does not know', () => {
    const fields = { id: 2n ** 63n, error: new TypeError('broken'), list: [1n, 'x'], at: null };
    expect(loggable(fields)).toEqual({
      id: '9223372036854775808',
      error: 'broken',
      list: ['1', 'x'],
      at: null,
    });
  });

  it('leaves objects with a class to their own JSON form', () => {
    const date = new Date(0);
    expect(loggable(date)).toBe(date);
  });
});

describe('toConsoleLine', () => {
  it('puts time, level, caller and message before the fields', () => {
    const json = '{"level":"info","ts":"T","caller":"main","msg":"hi","took":"1ms","n":2}\n';
    expect(toConsoleLine(json)).toBe('T\tinfo\tmain\thi\t{"took":"1ms","n":2}\n');
    expect(toConsoleLine('{"level":"warn","ts":"T","msg":"hi"}\n')).toBe('T\twarn\thi\n');
  });
});
