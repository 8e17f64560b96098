import { post, put, type Step } from '../step.ts';

export const maintenance: readonly Step[] = [
  put('a', '1'),
  post('maintenance/status', {}, { differs: ['status-fields'] }),
  post('maintenance/defragment'),
  post('maintenance/hash', {}, { mask: ['hash'] }),
  post('maintenance/hashkv', {}, { differs: ['hash-revision'] }),
  post('maintenance/hashkv', { revision: 99 }),
  post('maintenance/snapshot', {}, { mask: ['blob'], differs: ['snapshot-bytes'] }),
  post('maintenance/transfer-leadership', {}),
  post('maintenance/transfer-leadership', { targetID: '77' }),
  post(
    'maintenance/downgrade',
    { action: 'VALIDATE', version: '3.9.0' },
    { differs: ['no-downgrade'] },
  ),
  post('maintenance/downgrade', { action: 2 }, { differs: ['no-downgrade'] }),
  post('maintenance/downgrade', { action: 9 }, { differs: ['no-downgrade'] }),
  post(
    'maintenance/downgrade',
    { action: 'VALIDATE', version: 'x' },
    { differs: ['no-downgrade'] },
  ),
  post('maintenance/alarm'),
  post('maintenance/alarm', { action: 'ACTIVATE', alarm: 'NOSPACE', memberID: 5 }),
  post('maintenance/alarm', { action: 'GET', alarm: 'NOSPACE' }),
  put('a', 'there is no space'),
  post('maintenance/status', {}, { differs: ['status-fields'] }),
  post('maintenance/alarm', { action: 'DEACTIVATE', alarm: 1, memberID: '5' }),
  post('maintenance/alarm', { action: 0 }),
];
