import { describe, expect, it } from 'vitest';
import { examine } from './examine.ts';
import { MetricsText } from './metrics-text.ts';
import type { ClusterSurvey, MemberSurvey } from './survey.ts';

const status = {
  version: '3.7.1',
  leaderId: 1n,
  raftTerm: 2n,
  raftIndex: 9000n,
  appliedIndex: 9000n,
  sizeBytes: 1e6,
  sizeInUseBytes: 1e6,
  errors: [],
};

const metrics = {
  syncSeconds: 0.002,
  commitSeconds: 0.008,
  quotaBytes: 1e9,
  leaderChangeCount: 1,
  uptimeSeconds: 7200,
};

const member = (id: number, changes: Partial<MemberSurvey> = {}): MemberSurvey => ({
  id: BigInt(id),
  name: `m${id}`,
  isLearner: false,
  endpoint: `host${id}:2379`,
  status,
  failure: '',
  metrics,
  clockAheadSeconds: 0.1,
  growthBytesPerSecond: 0,
  ...changes,
});

const cluster = (third: Partial<MemberSurvey>, changes: Partial<ClusterSurvey> = {}) => ({
  members: [member(1), member(2), member(3, third)],
  quorumFailure: undefined,
  readMs: 3,
  alarms: [],
  ...changes,
});

const down = { status: undefined, metrics: undefined, failure: 'connect: refused' };

it('finds nothing wrong with a cluster that is well', () => {
  expect(examine(cluster({}))).toEqual([]);
});

describe.each<[string, ClusterSurvey, string, RegExp]>([
  [
    'a member that is down',
    cluster(down),
    'attention',
    /^m3 does not answer at host3:2379: connect: refused; the cluster survives the loss of 0 more$/,
  ],
  [
    'a lost majority',
    cluster(down, { quorumFailure: 'timeout' }),
    'broken',
    /no majority: a linearizable read failed \(timeout\); 2 of 3 voters answer, 2 are needed/,
  ],
  [
    'a member that never started',
    cluster({ ...down, name: '', endpoint: undefined }),
    'attention',
    /^member 3 was added but has never started/,
  ],
  ['a read that takes long', cluster({}, { readMs: 1500 }), 'attention', /took 1500 ms/],
  [
    'no leader',
    cluster({ status: { ...status, leaderId: 0n } }),
    'broken',
    /m3 knows of no leader/,
  ],
  [
    'two leaders',
    cluster({ status: { ...status, leaderId: 3n } }),
    'attention',
    /different leaders: 1, 3/,
  ],
  [
    'many elections',
    cluster({ metrics: { ...metrics, leaderChangeCount: 40 } }),
    'attention',
    /40 leaders in 2h00m/,
  ],
  [
    'a full store',
    cluster({}, { alarms: [{ memberId: 3n, name: 'NOSPACE' }] }),
    'broken',
    /^NOSPACE is raised by m3$/,
  ],
  [
    'damage',
    cluster({}, { alarms: [{ memberId: 9n, name: 'CORRUPT' }] }),
    'broken',
    /^CORRUPT is raised by 9$/,
  ],
  [
    'a slow disk',
    cluster({ metrics: { ...metrics, syncSeconds: 0.128 } }),
    'attention',
    /m3: 1 % of syncs of the log take longer than 64 ms/,
  ],
  [
    'a hopeless disk',
    cluster({ metrics: { ...metrics, syncSeconds: Number.POSITIVE_INFINITY } }),
    'broken',
    /longer than all that is measured/,
  ],
  [
    'slow commits',
    cluster({ metrics: { ...metrics, commitSeconds: 0.256 } }),
    'attention',
    /database commits take longer than 128 ms/,
  ],
  [
    'a file full of holes',
    cluster({ status: { ...status, sizeBytes: 4e8, sizeInUseBytes: 1e8 } }),
    'note',
    /75 % of the database file of m3 is unused/,
  ],
  [
    'a quota almost used up',
    cluster({ status: { ...status, sizeBytes: 9e8, sizeInUseBytes: 9e8 } }),
    'attention',
    /m3 uses 90 % of its quota of 1.0 GB/,
  ],
  [
    'a quota that will be',
    cluster({ growthBytesPerSecond: 1e5 }),
    'attention',
    /grows by 100 kB\/s: full in 2h46m at this pace/,
  ],
  [
    'a member that lags',
    cluster({ status: { ...status, raftIndex: 10n, appliedIndex: 10n } }),
    'attention',
    /m3 is 8990 entries behind/,
  ],
  [
    'entries that wait',
    cluster({ status: { ...status, appliedIndex: 10n } }),
    'attention',
    /8990 entries that it has not applied/,
  ],
  [
    'a clock that is off',
    cluster({ clockAheadSeconds: 61 }),
    'attention',
    /clock of m3 is 61 s ahead of that of m/,
  ],
  [
    'versions that differ',
    cluster({ status: { ...status, version: '3.5.16' } }),
    'attention',
    /3.7.1 \(m1, m2\), 3.5.16 \(m3\)/,
  ],
  [
    'a complaint',
    cluster({ status: { ...status, errors: ['memberID:3 alarm:NOSPACE ', 'odd'] } }),
    'attention',
    /^m3 reports: odd$/,
  ],
  [
    'a fourth voter',
    { ...cluster({}), members: [1, 2, 3, 4].map((id) => member(id)) },
    'note',
    /4 voting members survive no more losses than 3/,
  ],
  ['a lone member', { ...cluster({}), members: [member(1)] }, 'note', /its loss ends the service/],
])('%s', (_, survey, severity, text) => {
  it(`is found: ${severity}`, () => {
    const findings = examine(survey);
    expect(findings[0]).toMatchObject({ severity, text: expect.stringMatching(text) });
    expect(findings.every(({ fix }) => fix.length > 5)).toBe(true);
  });
});

it('the worst comes first', () => {
  const findings = examine(cluster(down, { alarms: [{ memberId: 1n, name: 'NOSPACE' }] }));
  expect(findings.map(({ severity }) => severity)).toEqual(['broken', 'attention']);
});

it('reads histograms and gauges from a page of metrics', () => {
  const page = new MetricsText(
    [
      '# TYPE h histogram',
      ...[
        ['0.001', 10],
        ['0.002', 98],
        ['0.004', 99],
        ['+Inf', 100],
      ].map(([le, count]) => `h_bucket{le="${le}"} ${count}`),
      'h_sum 1.5',
      'g 2.147483648e+09',
      'c{a="x"} 1',
      'c{a="y,le",b="}"} 2',
    ].join('\n'),
  );
  expect([0.05, 0.98, 0.99, 1].map((share) => page.quantile('h', share))).toEqual([
    0.001,
    0.002,
    0.004,
    Number.POSITIVE_INFINITY,
  ]);
  expect([page.value('g'), page.value('c'), page.value('none')]).toEqual([
    2147483648,
    3,
    undefined,
  ]);
  expect(page.quantile('none', 0.5)).toBeUndefined();
});
