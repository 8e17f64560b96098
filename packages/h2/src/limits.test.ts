import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { H2Error } from './errors.ts';
import { defaultLimits, resolveLimits } from './limits.ts';

describe('limits', () => {
  it('are the defaults where nothing else was chosen', () => {
    expect(resolveLimits({ maxFrameBytes: 20_000 })).toEqual({
      ...defaultLimits,
      maxFrameBytes: 20_000,
    });
  });

  it.each([
    { maxFrameBytes: 100 },
    { maxFrameBytes: 2 ** 24 },
    { streamWindowBytes: 2 ** 31 },
    { connectionWindowBytes: 1000 },
    { maxStreamSendBytes: 1000 },
    { resetBurst: -1 },
    { closeTimeoutMs: Number.NaN },
  ])('that cannot work are refused: %o', (chosen) => {
    expect(() => resolveLimits(chosen)).toThrow(H2Error);
  });

  it('stand in the README with the values that they have', () => {
    const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `(\w+)` +\| [^|]+ \| ([^|]+?) +\| [^|]+ \|$/gm)];
    const told = new Map(rows.map(([, name = '', value = '']) => [name, value]));
    const real = Object.entries(defaultLimits).map(([name, value]) => [name, inWords(name, value)]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(real));
  });
});

/** A value as the README's table has it. */
function inWords(name: string, value: number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (name.endsWith('Ms')) {
    if (value === 0) return 'never';
    if (value < 1000) return `${value} ms`;
    return value < 3_600_000 ? `${value / 1000} s` : `${value / 3_600_000} h`;
  }
  if (!name.includes('Bytes')) return value.toLocaleString('en-US');
  return value < 1024 * 1024 ? `${value / 1024} KiB` : `${value / 1024 / 1024} MiB`;
}
