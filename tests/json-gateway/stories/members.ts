import { post, type Step } from '../step.ts';

/**
 * What is between two changes of members. etcd drops one that is proposed before its raft knows that the one before is
 * carried out, and never answers; once something else was written, it knows.
 */
const between = post('kv/put', { key: 'YmV0d2Vlbg==' });

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
  between,
  post('cluster/member/add', { peerURLs: ['http://127.0.0.1:19'], isLearner: true }),
  post('cluster/member/list', {}, { mask: ['ID'] }),
  post('cluster/member/promote', { ID: '{learner}' }),
  post('maintenance/transfer-leadership', { targetID: '{learner}' }),
  post(
    'cluster/member/update',
    { ID: '{learner}', peerURLs: ['http://127.0.0.1:29'] },
    { mask: ['ID'], differs: ['updated-learner'] },
  ),
  between,
  post('cluster/member/update', { ID: '77', peerURLs: ['http://127.0.0.1:29'] }),
  post('cluster/member/remove', { ID: '{learner}' }),
  post('cluster/member/remove', { ID: '{learner}' }),
  post('cluster/member/promote', { ID: '77' }),
];
