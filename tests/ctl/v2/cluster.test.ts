import { TestCluster } from '../../framework/cluster.ts';
import { etcdProgram, type ServerProgram } from '../../framework/member.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { type GoldenServer, type GoldenStep, goldenServers } from '../golden.ts';
import { goldenV2, ofV2 } from './golden-v2.ts';

/** What differs from cluster to cluster; members stand in the order of their ids. */
const mask = /ENDPOINT|127\.0\.0\.1:\d+|\bm\d\b|\b(HEXID|[0-9a-f]{12,15})\b|isLeader=\w+/g;
const step = (args: string, more: Partial<GoldenStep> = {}): GoldenStep => {
  return { args, mask, isUnordered: true, ...more };
};

const members = [
  step('cluster-health'),
  step('member list'),
  step('member add m4 http://127.0.0.1:5', { capture: { added: /ID (\w+)/ } }),
  // Ids are made of addresses and seconds: what is in the way depends on whether the second is the same.
  step('member add m4 http://127.0.0.1:5', {
    mask: new RegExp(`${mask.source}|(ID|peerURL) exists`, 'g'),
  }),
  step('member add m5 nonsense'),
  step('member list'),
  step('cluster-health'),
  step('member update {added} http://127.0.0.1:6,http://127.0.0.1:7'),
  step('member update {added} nonsense'),
  step('member update 1234 http://127.0.0.1:6'),
  step('member list'),
  step('member remove {added}'),
  step('member remove {added}'),
  step('member remove m1'),
  step('member remove 1234'),
  step('member list'),
];
const health = [step('cluster-health'), step('member list'), step('--debug cluster-health')];
const minority = [step('cluster-health'), step('--total-timeout 1s -o json get -q /nothing')];

goldenV2('the members of v2', members, { start: () => startCluster(0) });
goldenV2('the health of v2', health, { start: () => startCluster(1) });
goldenV2('the health of v2 without a majority', minority, { start: () => startCluster(2) });

goldenServers('the members of v2', members.map(ofV2), {
  release: '3.5',
  start: (program) => startCluster(0, program),
});
goldenServers('the health of v2', health.map(ofV2), {
  release: '3.5',
  start: (program) => startCluster(1, program),
});
goldenServers('the health of v2 without a majority', minority.map(ofV2), {
  release: '3.5',
  start: (program) => startCluster(2, program),
});

/** Three members, so many of them dead; the table talks to one that runs. */
async function startCluster(dead: 0 | 1 | 2, program = realProgram()): Promise<GoldenServer> {
  // Members are to be changed right after they began, and additions never start.
  const flags = ['--enable-v2', '--strict-reconfig-check=false'];
  const cluster = await TestCluster.start({ program, flags });
  await Promise.all(cluster.members.slice(0, dead).map((member) => member.kill()));
  if (dead < 2) await cluster.leader();
  return {
    endpoint: cluster.member(2).url,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function realProgram(): ServerProgram {
  const real = realEtcd('3.5');
  if (real === undefined) throw new Error('there is no etcd to compare with');
  return etcdProgram(real);
}
