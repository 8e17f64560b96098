import { a, b64, post, put, raw, type Step, z } from '../step.ts';

const create = (request: object, more: Omit<Step, 'path' | 'body'>) =>
  post('watch', { create_request: request }, more);

export const watches: readonly Step[] = [
  create(
    { key: a },
    { lines: 3, meanwhile: [put('a', '1'), put('b', '1'), post('kv/deleterange', { key: a })] },
  ),
  create(
    { key: a, range_end: z, prev_kv: true, watch_id: 7 },
    { lines: 3, meanwhile: [put('b', '2'), post('kv/deleterange', { key: b64('b') })] },
  ),
  create({ key: a, rangeEnd: z, filters: ['NOPUT'], start_revision: 2 }, { lines: 2 }),
  create({ key: a, range_end: z, filters: [1], startRevision: '2' }, { lines: 2 }),
  // Many requests in one body, of which some get no answer.
  raw(
    'watch',
    `{"create_request":{"key":"${a}"}} {"create_request":{"key":"${z}"}}
    {"cancel_request":{"watch_id":1}}{}{"cancel_request":{"watch_id":9}}`,
    { lines: 4, meanwhile: [put('z', '1'), put('a', '2')] },
  ),
  raw('watch', `{"create_request":{"key":"${z}","range_end":"${a}"}}`, { lines: 1 }),
  raw('watch', `{"create_request":{"key":"${a}","watch_id":3}}{"create_request":{"watch_id":3}}`, {
    lines: 2,
  }),
  // What can't be read is the end of the requests, but not of the watch.
  raw('watch', `{"create_request":{"key":"${a}"}}{"create_request":{"filters":"NOPUT"}}`, {
    lines: 2,
    meanwhile: [put('a', '3')],
  }),
  post('kv/compaction', { revision: 4 }),
  create({ key: a, start_revision: 2 }, { lines: 2 }),
];
