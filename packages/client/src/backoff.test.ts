import { expect, it } from 'vitest';
import { Backoff } from './backoff.ts';

const six = (backoff: Backoff) => Array.from({ length: 6 }, () => backoff.next());

it('pauses double up to a second, and begin anew when it works again', () => {
  const backoff = new Backoff({});
  expect(six(backoff)).toEqual([50, 100, 200, 400, 800, 1000]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
  expect(six(new Backoff({}, 5))).toEqual([5, 10, 20, 40, 80, 160]);
});

it('chance makes them shorter by a half at most', () => {
  const draws = [0, 0.5, 0.999, 0.25, 1, 0];
  const backoff = new Backoff({ random: () => draws.shift() ?? 0 });
  expect(six(backoff).map(Math.round)).toEqual([50, 75, 100, 350, 400, 1000]);
});
