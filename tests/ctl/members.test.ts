import { TestClient } from '../framework/client.ts';
import { TestCluster } from '../framework/cluster.ts';
import { type ServerProgram, TestMember } from '../framework/member.ts';
import { type GoldenServer, golden } from './golden.ts';

/** What differs from cluster to cluster; ids may be shorter than others. */
const mask =
  /ENDPOINT|127\.0\.0\.1:\d+|\bm\d\b|(?<!" :) *\b(HEXID|[0-9a-f]{12,15})\b|(?<=(cluster_id|member_id)":|(ClusterID|MemberID)" : )\d+/g;
const tableMask = new RegExp(`${mask.source}|[ -]+`, 'g');
/** Members stand in the order of their ids. */
const isUnordered = true;
/** The same, and all members of an answer. */
const membersMask = new RegExp(`${mask.source}|"members":.*`, 'g');

/** An id is made of the URL and the second, and a removed one must not come back: each addition has its own. */
const nowhere = (port: number) => `--peer-urls=http://127.0.0.1:${port}`;

golden(
  'commands that change members',
  [
    { args: 'member list', mask, isUnordered },
    { args: 'member list -w table', differs: ['table-style'], mask: tableMask, isUnordered },
    { args: 'put of all', input: 'x' },
    { args: 'endpoint health --cluster', mask, isUnordered },
    { args: 'move-leader {leader}', mask },
    { args: 'move-leader {follower}', mask },
    { args: 'move-leader {follower}', mask },
    { args: 'member add m4', mask },
    {
      args: `member add m4 ${nowhere(5)}`,
      mask,
      isUnordered,
      capture: { added: /^Member\s+(\w+) added/ },
    },
    { args: 'member list', mask, isUnordered },
    { args: 'member update {added} --peer-urls=http://127.0.0.1:3', mask },
    {
      args: 'member update {added} --peer-urls=http://127.0.0.1:3,http://127.0.0.1:4',
      mask,
      isUnordered,
    },
    { args: 'member promote {added}', mask, isUnordered },
    { args: 'member remove {added}', mask, isUnordered },
    { args: 'member remove {added}', mask, isUnordered },
    {
      args: `member add m5 --learner ${nowhere(6)}`,
      differs: ['learner-added'],
      mask,
      capture: { learner: /^Member\s+(\w+) added/ },
    },
    { args: 'member list -w fields', mask, isUnordered },
    { args: 'member promote {learner}', mask, isUnordered },
    { args: 'move-leader {learner}', mask, isUnordered },
    { args: 'member remove {learner} -w fields', mask, isUnordered },
    { args: `member add m6 ${nowhere(7)} -w json`, mask: membersMask },
    { args: 'member remove {follower}', mask },
    { args: 'member list', mask, isUnordered },
  ],
  { start: startCluster },
);

const large = 'x'.repeat(1_400_000);

golden(
  'commands about alarms',
  [
    'alarm list',
    { args: 'put large', input: large },
    'alarm list',
    'alarm list -w json',
    'alarm list -w fields',
    'put small value',
    'endpoint health',
    'alarm disarm',
    'alarm list',
    'put small value',
    { args: 'put large', input: large },
    'alarm disarm -w json',
  ],
  { start: (program) => TestMember.start(program, { flags: ['--quota-backend-bytes=1048576'] }) },
);

/** Three members, of which the table talks to the leader. */
async function startCluster(program: ServerProgram): Promise<GoldenServer> {
  // Members are to be changed right after they began, and additions never start.
  const cluster = await TestCluster.start({ program, flags: ['--strict-reconfig-check=false'] });
  const leader = await cluster.leader();
  using client = new TestClient(leader.url);
  const { members } = await client.cluster.memberList({});
  const idOf = (name: string | undefined) => {
    return members.find((member) => member.name === name)?.ID.toString(16) ?? '';
  };
  const follower = cluster.members.find((member) => member !== leader);
  return {
    endpoint: leader.endpoint,
    names: { leader: idOf(leader.name), follower: idOf(follower?.name) },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
