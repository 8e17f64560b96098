import { expect, it } from 'vitest';
import { Latencies } from './latencies.ts';
import { perfVerdict } from './perf-verdict.ts';

function latenciesOf(...latencyMs: number[]): Latencies {
  const latencies = new Latencies();
  for (const each of latencyMs) latencies.add(each);
  return latencies;
}

it('passes what is fast, prompt and steady', () => {
  const latencies = latenciesOf(
    ...Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? 10 : 30)),
  );
  expect(perfVerdict(latencies, 1000, 100)).toEqual({
    hasPassed: true,
    lines: [
      'PASS: Throughput is 100 writes/s',
      'PASS: Slowest request took 0.030000s',
      'PASS: Stddev is 0.010000s',
      'PASS',
    ],
  });
});

it('fails what is slow, takes long and varies', () => {
  expect(perfVerdict(latenciesOf(100, 700), 1000, 100)).toEqual({
    hasPassed: false,
    lines: [
      'FAIL: Throughput too low: 2 writes/s',
      'Slowest request took too long: 0.700000s',
      'Stddev too high: 0.300000s',
      'FAIL',
    ],
  });
});

it('wants more than nine tenths of the throughput', () => {
  const hasPassed = (count: number) =>
    perfVerdict(latenciesOf(...new Array(count).fill(1)), 1000, 100).hasPassed;
  expect([hasPassed(90), hasPassed(91)]).toEqual([false, true]);
});

it('fails when a write failed, and says why', () => {
  const latencies = latenciesOf(1, 1);
  latencies.addFailure('no leader');
  latencies.addFailure('no leader');
  const { hasPassed, lines } = perfVerdict(latencies, 1000, 1);
  expect(hasPassed).toBe(false);
  expect(lines.slice(0, 2)).toEqual(['FAIL: too many errors', 'FAIL: ERROR(no leader) -> 2']);
  expect(lines.at(-1)).toBe('FAIL');
});
