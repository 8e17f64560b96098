import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';
import { TextExposition } from './text-exposition.ts';

describe('TextExposition', () => {
  it('is empty without families', () => {
    expect(new TextExposition().toString()).toBe('');
  });

  it('writes counters and gauges', () => {
    const out = new TextExposition();
    out.counter('a_total', 'Things.', 3);
    out.gauge('b', 'Level.', Number.POSITIVE_INFINITY);
    expect(out.toString()).toBe(
      '# HELP a_total Things.\n# TYPE a_total counter\na_total 3\n' +
        '# HELP b Level.\n# TYPE b gauge\nb +Inf\n',
    );
  });

  it('escapes label values', () => {
    const out = new TextExposition();
    out.open('a', 'gauge', 'x');
    out.sample({ l: 'q"b\\n\n', m: '' }, 0);
    expect(out.toString()).toContain('a{l="q\\"b\\\\n\\n",m=""} 0\n');
  });

  it('writes cumulative buckets, sum and count', () => {
    const histogram = new Histogram([0.5, 1]);
    histogram.observe(0.25);
    histogram.observe(0.75);
    histogram.observe(9);
    const out = new TextExposition();
    out.open('h', 'histogram', 'x');
    out.buckets({ op: 'Put' }, histogram);
    expect(out.toString().split('\n').slice(2, -1)).toEqual([
      'h_bucket{op="Put",le="0.5"} 1',
      'h_bucket{op="Put",le="1"} 2',
      'h_bucket{op="Put",le="+Inf"} 3',
      'h_sum{op="Put"} 10',
      'h_count{op="Put"} 3',
    ]);
  });
});
