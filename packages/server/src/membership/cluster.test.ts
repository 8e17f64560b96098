import type { ConfChange } from '@kvorum/raft';
import { describe, expect, it } from 'vitest';
import { Cluster, type Member, memberToJson, promotionToJson } from './cluster.ts';

const MAX_LEARNERS = 2;

function memberOf(id: bigint, isLearner = false): Member {
  return { id, name: '', peerUrls: [`http://m${id}:2380`], clientUrls: [], isLearner };
}

function changeOf(type: ConfChange['type'], nodeId: bigint, context = ''): ConfChange {
  return { id: 1n, type, nodeId, context: Buffer.from(context) };
}

function add(member: Member): ConfChange {
  return changeOf(member.isLearner ? 'addLearnerNode' : 'addNode', member.id, memberToJson(member));
}

/** Voters 1 and 2, member 3 that was removed, and as many learners from 11 on. */
function clusterOf(learners: number) {
  const rows = new Map<string, Uint8Array>();
  const store = {
    putMeta: (name: string, value: Uint8Array) => void rows.set(name, value),
    deleteMeta: (name: string) => void rows.delete(name),
  };
  const cluster = new Cluster(77n);
  for (const id of [1n, 2n, 3n]) cluster.applyConfChange(store, add(memberOf(id)));
  cluster.applyConfChange(store, changeOf('removeNode', 3n));
  for (let i = 0; i < learners; i++) {
    cluster.applyConfChange(store, add(memberOf(BigInt(11 + i), true)));
  }
  const loaded = new Cluster(77n);
  loaded.load((prefix) => [...rows].filter(([name]) => name.startsWith(prefix)));
  return { cluster, loaded };
}

const taken = { ...memberOf(20n, true), peerUrls: ['http://m1:2380'] };
const moved = (id: bigint, to: bigint) =>
  changeOf('updateNode', id, memberToJson({ ...memberOf(id), peerUrls: [`http://m${to}:2380`] }));

describe('a change of the membership', () => {
  it.each<[string, number, ConfChange, string | undefined]>([
    ['a learner', 0, add(memberOf(20n, true)), undefined],
    ['the last learner that may be', 1, add(memberOf(20n, true)), undefined],
    ['a learner too many', 2, add(memberOf(20n, true)), 'tooManyLearners'],
    ['a learner when there are too many already', 3, add(memberOf(20n, true)), 'tooManyLearners'],
    ['a voter beside as many learners as may be', 2, add(memberOf(20n)), undefined],
    ['a learner too many under a URL that is taken', 2, add(taken), 'peerUrlExist'],
    ['a learner too many that is there', 2, add(memberOf(11n, true)), 'memberExist'],
    ['a learner too many that was removed', 2, add(memberOf(3n, true)), 'memberNotFound'],
    ['a member that is there', 0, add(memberOf(2n)), 'memberExist'],
    [
      'a promotion when there are too many learners',
      3,
      changeOf('addNode', 11n, promotionToJson(memberOf(11n, true))),
      undefined,
    ],
    [
      'a promotion of a voter',
      0,
      changeOf('addNode', 2n, promotionToJson(memberOf(2n))),
      'memberNotLearner',
    ],
    [
      'a promotion of nobody',
      0,
      changeOf('addNode', 9n, promotionToJson(memberOf(9n))),
      'memberNotFound',
    ],
    ['a removal', 0, changeOf('removeNode', 2n), undefined],
    ['a removal of one that was removed', 0, changeOf('removeNode', 3n), 'memberNotFound'],
    ['a removal of nobody', 0, changeOf('removeNode', 9n), 'memberNotFound'],
    ['a move', 0, moved(2n, 8n), undefined],
    ['a move to where it is', 0, moved(2n, 2n), undefined],
    ['a move to where another one is', 0, moved(2n, 1n), 'peerUrlExist'],
    ['a move of nobody', 0, moved(9n, 8n), 'memberNotFound'],
  ])('is judged when it is applied: %s', (_what, learners, change, refusal) => {
    const { cluster, loaded } = clusterOf(learners);
    expect(cluster.refusalOf(change, MAX_LEARNERS)).toBe(refusal);
    expect(loaded.refusalOf(change, MAX_LEARNERS)).toBe(refusal);
  });
});
