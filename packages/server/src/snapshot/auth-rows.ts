import type { Engine } from '@kvorum/mvcc';
import { listMeta } from '../apply/meta-rows.ts';

/** Begins the names of the rows of the store's `meta` column that hold etcd's auth. */
const PREFIX = 'auth/';

/** The buckets that the auth of an etcd cluster is made of: whether it's on, roles, and users with their passwords. */
export const AUTH_BUCKETS = ['auth', 'authRoles', 'authUsers'] as const;

/** The row that keeps one of those buckets' rows, as it is. The names of users and roles are any text, so they are in hex. */
export function authRowName(bucket: (typeof AUTH_BUCKETS)[number], key: Uint8Array): string {
  return `${PREFIX}${bucket}/${Buffer.from(key).toString('hex')}`;
}

/** The rows of one bucket, in order. */
export function authRowsOf(
  engine: Engine,
  bucket: (typeof AUTH_BUCKETS)[number],
): [Uint8Array, Uint8Array][] {
  const prefix = `${PREFIX}${bucket}/`;
  return [...listMeta(engine, prefix)].map(([name, value]) => {
    return [Buffer.from(name.slice(prefix.length), 'hex'), value];
  });
}
