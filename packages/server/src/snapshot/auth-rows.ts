import type { Engine } from '@kvorum/mvcc';
import { listMeta } from '../apply/meta-rows.ts';

/** Begins the names of the rows of the store's `meta` column that hold etcd's auth. */
const PREFIX = 'auth/';

/** The buckets that the auth of an etcd cluster is made of: whether it's on, roles, and users with their passwords. */
export const AUTH_BUCKETS = ['auth', 'authRoles', 'authUsers'] as const;
type AuthBucket = (typeof AUTH_BUCKETS)[number];

/** What the names of a bucket's rows begin with. */
export function authBucketPrefix(bucket: AuthBucket): string {
  return `${PREFIX}${bucket}/`;
}

/** The row that keeps one of those buckets' rows, as it is. The names of users and roles are any text, so they are in hex. */
export function authRowName(bucket: AuthBucket, key: Uint8Array): string {
  const hex = Buffer.from(key.buffer, key.byteOffset, key.length).toString('hex');
  return authBucketPrefix(bucket) + hex;
}

/** The rows of one bucket, in order. */
export function authRowsOf(engine: Engine, bucket: AuthBucket): [Uint8Array, Uint8Array][] {
  const prefix = authBucketPrefix(bucket);
  return [...listMeta(engine, prefix)].map(([name, value]) => {
    return [Buffer.from(name.slice(prefix.length), 'hex'), value];
  });
}

/** Holds a byte: 1 when callers are asked who they are. */
export const AUTH_ENABLED_ROW = authRowName('auth', Buffer.from('authEnabled'));
/** Holds 8 bytes, big-endian. */
export const AUTH_REVISION_ROW = authRowName('auth', Buffer.from('authRevision'));
