import { a, bare, raw, type Step } from '../step.ts';

export const routing: readonly Step[] = [
  ...['GET', 'PUT', 'DELETE', 'PATCH'].map((method) =>
    raw('kv/range', `{"key":"${a}"}`, { options: [`request=${method}`] }),
  ),
  bare('/v3/kv/range', 'head'),
  bare('/v3/kv/range'),
  bare('/v3/kv/nope'),
  bare('/v3/kv/nope', 'request=POST'),
  bare('/v3/', 'request=POST'),
  bare('/v3/kv', 'request=POST'),
  bare('/v3/kv/range/', 'request=POST'),
  bare('/v3/KV/range', 'request=POST'),
  bare('/v3/kv/range:x', 'request=POST'),
  bare('/v3/kv/rangestream', 'request=POST'),
  bare('/v3/kv/range?key=YQ==', 'request=POST'),
  { path: '/v3/kv/%72ange', body: `{"key":"${a}"}` },
  { path: '/v3/kv/range?key=Yg==', body: `{"key":"${a}"}` },
  { path: '/v3beta/kv/range', body: `{"key":"${a}"}` },
  { path: '/v3beta/nope', body: '{}' },
  { path: '/v3alpha/kv/range', body: `{"key":"${a}"}` },
  { path: '/v4/kv/range', body: `{"key":"${a}"}` },
  bare('/v3/kv/range', 'request=OPTIONS', 'header=Origin: http://a.example'),
];
