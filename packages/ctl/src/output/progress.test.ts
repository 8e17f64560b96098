import { expect, it } from 'vitest';
import { durationText, progressText } from './progress.ts';

it('a progress line says how much, how fast and how long yet', () => {
  const options = { unit: 'keys', total: 1_000_000 };
  expect(progressText(options, 250_000, 5000)).toBe(
    '[======                  ]  25%  250,000 of 1,000,000 keys  50,000/s  15s left',
  );
  expect(progressText(options, 0, 0)).toBe(
    '[                        ]   0%  0 of 1,000,000 keys  0/s',
  );
  expect(progressText({ unit: 'keys', total: undefined }, 1200, 2000)).toBe('1,200 keys  600/s');
});

it.each([
  [0.4, '0s'],
  [59, '59s'],
  [200, '3m20s'],
  [7500, '2h05m'],
])('%d seconds are written %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});
