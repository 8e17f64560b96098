import { createHash } from 'node:crypto';

/**
 * A founding member's id: the first 8 bytes, big-endian, of the SHA-1 of its sorted peer URLs and the cluster token.
 * Members that are added later mix in the time instead (`etcd: server/etcdserver/api/membership/member.go`).
 */
export function memberIdOf(peerUrls: readonly string[], token: string): bigint {
  const hash = createHash('sha1');
  for (const url of [...peerUrls].sort()) hash.update(url);
  return hash.update(token).digest().readBigUInt64BE(0);
}

/** The cluster's id: the same over all founding member ids in ascending order, 8 bytes big-endian each. */
export function clusterIdOf(memberIds: readonly bigint[]): bigint {
  const hash = createHash('sha1');
  const ascending = [...memberIds].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  for (const id of ascending) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(id);
    hash.update(bytes);
  }
  return hash.digest().readBigUInt64BE(0);
}

/** An id as people see it: lower-case hex without padding. */
export function formatId(id: bigint): string {
  return id.toString(16);
}
