import { describe, expect, it } from 'vitest';
import { buildConfig } from '../config/build-config.ts';
import { parseCommandLine } from '../config/command-line.ts';
import type { EndpointUrl } from '../config/endpoint-url.ts';
import type { PeerAnswer } from '../peer/node-network.ts';
import { type Member, memberToJson } from './cluster.ts';
import { memberIdOf } from './ids.ts';
import { fetchCluster, joiningOf, type KnownCluster, refuseForgetful } from './joining.ts';

const [A, B, B2] = ['http://127.0.0.1:39080', 'http://127.0.0.1:39180', 'http://127.0.0.1:39183'];

function configOf(initialCluster: string, name = 'b') {
  const args = ['--name', name, '--initial-cluster', initialCluster];
  args.push('--initial-advertise-peer-urls', B, '--listen-peer-urls', B);
  return buildConfig(parseCommandLine(args).values, { defaultHost: undefined, fromFile: false });
}

const a: Member = {
  id: 0xc7e2_3503_90f4_c08en,
  name: 'a',
  peerUrls: [A],
  clientUrls: ['http://127.0.0.1:39079'],
  isLearner: false,
};
const b: Member = {
  id: 0x26ca_c0dd_8a58_1fd5n,
  name: '',
  peerUrls: [B],
  clientUrls: [],
  isLearner: false,
};

/** As a member tells it: by ascending id. */
function known(...members: Member[]): KnownCluster {
  return { clusterId: 0xfc_b813_99ad_37ean, members };
}

/** Members as etcd 3.5 prints them. */
const TOLD_A =
  '&{ID:c7e2350390f4c08e RaftAttributes:{PeerURLs:[http://127.0.0.1:39080] IsLearner:false} ' +
  'Attributes:{Name:a ClientURLs:[http://127.0.0.1:39079]}}';
const TOLD_B =
  '&{ID:26cac0dd8a581fd5 RaftAttributes:{PeerURLs:[http://127.0.0.1:39180] IsLearner:false} ' +
  'Attributes:{Name: ClientURLs:[]}}';

const invalid = (told: string, reason: string) =>
  `error validating peerURLs {ClusterID:fcb81399ad37ea Members:[${told}] RemovedMemberIDs:[]}: ${reason}`;

describe('a member that joins a cluster', () => {
  it('is the one that has its peer URLs there, whatever the names', () => {
    const joining = joiningOf(configOf(`x=${A},b=${B}`), known(b, a));
    expect(joining).toEqual({
      owner: { memberId: b.id, clusterId: known().clusterId },
      members: [b, a],
    });
  });

  it('is found by all its URLs in any order, and under localhost', () => {
    const two = { ...b, peerUrls: [B2, B] };
    const listed = `a=http://localhost:39080,b=${B},b=${B2}`;
    expect(joiningOf(configOf(listed), known(two, a)).owner.memberId).toBe(b.id);
  });

  it.each<[string, string, KnownCluster | undefined, string]>([
    [
      'its own name is missing',
      `a=${A},c=${B}`,
      undefined,
      `couldn't find local name "b" in the initial cluster configuration`,
    ],
    [
      'nobody answers',
      `a=${A},b=${B}`,
      undefined,
      'cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs',
    ],
    [
      'those that answer have no members yet',
      `a=${A},b=${B}`,
      known(),
      'cannot fetch cluster info from peer urls: failed to get raft cluster member(s) from the given URLs',
    ],
    ['nobody has added it', `a=${A},b=${B}`, known(a), invalid(TOLD_A, 'member count is unequal')],
    [
      'it leaves a member out',
      `b=${B}`,
      known(b, a),
      invalid(`${TOLD_B} ${TOLD_A}`, 'member count is unequal'),
    ],
    [
      'it was added under another URL',
      `a=${A},b=http://127.0.0.1:39181`,
      known(b, a),
      invalid(
        `${TOLD_B} ${TOLD_A}`,
        'PeerURLs: no match found for existing member (26cac0dd8a581fd5, [http://127.0.0.1:39180]), ' +
          'last resolver error (resolved urls: "http://127.0.0.1:39180" != "http://127.0.0.1:39080")',
      ),
    ],
    [
      'it was added under more URLs',
      `a=${A},b=${B}`,
      known(a, { ...b, id: 0xe5a7_46d4_383f_7554n, peerUrls: [B, B2] }),
      'PeerURLs: no match found for existing member (e5a746d4383f7554, ' +
        '[http://127.0.0.1:39180 http://127.0.0.1:39183]), last resolver error ' +
        '(len(["http://127.0.0.1:39180" "http://127.0.0.1:39183"]) != len(["http://127.0.0.1:39080"]))',
    ],
    [
      'it has been there and lost its data',
      `a=${A},b=${B}`,
      known({ ...b, name: 'b' }, a),
      'member 26cac0dd8a581fd5 has already been bootstrapped',
    ],
  ])('is told when %s', (_when, initialCluster, cluster, message) => {
    expect(() => joiningOf(configOf(initialCluster), cluster)).toThrow(message);
  });
});

describe('a founder without data', () => {
  const config = configOf(`a=${A},b=${B}`);
  const self = { ...b, id: memberIdOf([B], config.initialClusterToken) };

  it.each<[string, KnownCluster | undefined]>([
    ['nobody answers', undefined],
    ['the others know nobody yet', known()],
    ['the others have not heard of it since', known(self, a)],
    ['the one that started there has another id', known({ ...b, name: 'b' }, a)],
  ])('begins when %s', (_when, cluster) => {
    expect(() => refuseForgetful(config, cluster)).not.toThrow();
  });

  it.each([
    ['name', { ...self, name: 'b' }],
    ['client URLs', { ...self, clientUrls: ['http://127.0.0.1:39179'] }],
  ])('is refused when the others have its %s', (_what, member) => {
    expect(() => refuseForgetful(config, known(member, a))).toThrow(
      `member ${self.id.toString(16)} has already been bootstrapped`,
    );
  });
});

describe('the cluster that others tell of', () => {
  const page = (members: readonly Member[], id: string | undefined = 'fcb81399ad37ea') => ({
    status: 200,
    headers: id === undefined ? {} : { 'x-etcd-cluster-id': id },
    body: `[${members.map(memberToJson).join(',')}]`,
  });

  /** Asks, with these pages by URL; there is no answer from any other. */
  async function ask(pages: Record<string, PeerAnswer>) {
    const asked: string[] = [];
    const get = async ({ href }: EndpointUrl, path: string) => {
      asked.push(href + path);
      const answer = pages[href];
      if (answer === undefined) throw new Error('connection refused');
      return answer;
    };
    const told = await fetchCluster(configOf(`a=${A},b=${B},c=${B2}`), { get });
    return { told, asked };
  }

  it('is asked of everybody else', async () => {
    const { told, asked } = await ask({ [A]: page([b, a]) });
    expect(told).toEqual(known(b, a));
    expect(asked).toEqual([`${A}/members`, `${B2}/members`]);
  });

  it.each<[string, PeerAnswer]>([
    ['does not answer well', { ...page([a]), status: 500 }],
    ['names no cluster', { ...page([a]), headers: {} }],
    ['names a cluster that is no id', page([a], 'cluster')],
    ['answers what is no list', { ...page([]), body: '{}' }],
    ['answers what is no JSON', { ...page([]), body: '<html>' }],
    ['has no members yet', page([])],
  ])('comes from the next when one %s', async (_what, answer) => {
    const { told } = await ask({ [A]: answer, [B2]: page([a]) });
    expect(told).toEqual(known(a));
  });

  it('is unknown when nobody answers, and empty when nobody has members', async () => {
    expect((await ask({})).told).toBeUndefined();
    expect((await ask({ [B2]: page([]) })).told).toEqual(known());
  });
});
