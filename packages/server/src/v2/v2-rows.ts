import type { Engine } from '@kvorum/mvcc';
import { listMetaRows } from '../apply/meta-rows.ts';
import { ALL_EXPIRATIONS, INDEX_ROW, isNodeRow } from './v2-node.ts';

/** The bucket of a database file that holds what the v2 API keeps beside the values of files. */
export const V2_BUCKET = 'kvorum_v2';

const PREFIXES = ['v2/admin/', 'v2/index', 'v2/node/', 'v2/ttl/'] as const;
/** Of the index, and of an expiration. */
const NUMBER_BYTES = 8;

/**
 * What a snapshot for clients has of the v2 keys, in order: index, nodes, users and roles. Not the history, which those
 * who watch lose with the cluster it was of. None where nobody has used them.
 */
export function v2SnapshotRows(engine: Engine): [Uint8Array, Uint8Array][] {
  const rows = PREFIXES.flatMap((prefix) => [...listMetaRows(engine, prefix)]);
  return rows.length > 1 ? rows : [];
}

/** Whether a row of such a snapshot may stand in a store. */
export function isV2SnapshotRow(key: Uint8Array, value: Uint8Array): boolean {
  const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
  if (name === INDEX_ROW.toString() || name.startsWith(ALL_EXPIRATIONS)) {
    return value.length === NUMBER_BYTES;
  }
  return name.startsWith('v2/admin/') || isNodeRow(name, value);
}
