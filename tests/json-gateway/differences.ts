import type { Seen } from './step.ts';

/** A difference from etcd 3.5.16 that is meant, and how to look past it and see everything else. */
export interface Difference {
  readonly reason: string;
  /** Applied to what either server answered before the answers are compared. */
  readonly normalize: (seen: Seen) => Seen;
}

function without(...names: readonly string[]): (seen: Seen) => Seen {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (value === null || typeof value !== 'object') return value;
    const kept = Object.entries(value).filter(([name]) => !names.includes(name));
    return Object.fromEntries(kept.map(([name, inner]) => [name, strip(inner)]));
  };
  return (seen) => ({ ...seen, body: seen.body.map(strip) });
}

/** Only that both servers refuse is compared, not how. */
const refused = (seen: Seen): Seen => ({
  ...seen,
  status: Math.min(seen.status, 400),
  authenticate: undefined,
  body: seen.status >= 400 ? [] : seen.body,
});

/** Nothing is compared: the one does what the other refuses. */
const anything = (): Seen => ({
  status: 0,
  type: undefined,
  grpcType: undefined,
  authenticate: undefined,
  allow: undefined,
  body: [],
});

/**
 * Where the JSON gateways of Kvorum and of etcd 3.5.16 differ on purpose, nearly always since etcd 3.7 does. A step of
 * a story names those that it meets.
 */
export const differences = {
  'status-fields': {
    reason:
      'The version is that of 3.7; since 3.6 the status tells the storage version, the quota and downgrades.',
    normalize: without('version', 'storageVersion', 'dbSizeQuota', 'downgradeInfo', 'errors'),
  },
  'hash-revision': {
    reason: 'Since 3.6 the answer of HashKV says which revision was hashed.',
    normalize: without('hash_revision'),
  },
  'snapshot-bytes': {
    reason:
      'The files of the two are not the same byte for byte, and since 3.6 the version is told.',
    normalize: (seen) => ({ ...seen, body: seen.body.length > 1 ? ['a snapshot'] : seen.body }),
  },
  'nothing-to-cancel': {
    reason: 'To cancel a downgrade where none is under way is refused by 3.5.',
    normalize: anything,
  },
  'updated-learner': {
    reason: '3.5 forgets that a member is a learner when its URLs change.',
    normalize: without('isLearner'),
  },
  'campaign-again': {
    reason:
      'Who campaigns again with another value is told the revision before that was written by etcd, and the one after by Kvorum.',
    normalize: without('revision'),
  },
  'bearer-token': {
    reason:
      '`Bearer ` in front of a token is taken off by 3.6 and later; to 3.5 it is a part of the token.',
    normalize: anything,
  },
  'role-of-root': {
    reason:
      'Since 3.6 the role root has the permission for everything; in 3.5 it has what was granted to it.',
    normalize: without('perm'),
  },
  'more-calls-need-a-user': {
    reason: 'Renewing a lease needs a user since 3.7.',
    normalize: anything,
  },
  'refusals-of-maintenance': {
    reason: '3.5 refuses a snapshot with the texts of its inner errors.',
    normalize: refused,
  },
  'sort-option': {
    reason: 'A sort order or target that no enum has is refused by 3.7.',
    normalize: anything,
  },
  'number-and-more': {
    reason:
      'In a text that begins with a number, 3.5 passes over what follows a comma or a bracket.',
    normalize: anything,
  },
  'unreadable-first-request': {
    reason:
      'A stream of requests of which the first can not be read is over for etcd, without a word; a watch then never answers. ' +
      'Kvorum says what is wrong. After a request that can be read both take it for the end of the requests.',
    normalize: anything,
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type DifferenceName = keyof typeof differences;
