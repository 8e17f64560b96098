import { post, type Step } from '../step.ts';

export const members: readonly Step[] = [
  post('cluster/member/list'),
  post('cluster/member/list', { linearizable: true }),
  post('cluster/member/add', { peerURLs: ['nonsense'] }),
  post('cluster/member/add', {}),
  post('cluster/member/add', { peerURLs: ['http://127.0.0.1:2380'] }),
  post(
    'cluster/member/add',
    { peerURLs: ['http://127.0.0.1:9'], isLearner: true },
    {
      mask: ['ID'],
      capture: { learner: 'ID' },
    },
  ),
  post('cluster/member/add', { peerURLs: ['http://127.0.0.1:19'], isLearner: true }),
  post('cluster/member/list', {}, { mask: ['ID'] }),
  post('cluster/member/promote', { ID: '{learner}' }),
  post('maintenance/transfer-leadership', { targetID: '{learner}' }),
  post(
    'cluster/member/update',
    { ID: '{learner}', peerURLs: ['http://127.0.0.1:29'] },
    { mask: ['ID'], differs: ['updated-learner'] },
  ),
  post('cluster/member/update', { ID: '77', peerURLs: ['http://127.0.0.1:29'] }),
  post('cluster/member/remove', { ID: '{learner}' }),
  post('cluster/member/remove', { ID: '{learner}' }),
  post('cluster/member/promote', { ID: '77' }),
];
