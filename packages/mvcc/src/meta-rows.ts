import { MvccError } from './errors.ts';
import { readUint64, writeUint64 } from './revision-row.ts';

/** Rows of `meta` that the store itself keeps; all other names belong to its user. */
export const META_CURRENT_REVISION = 'currentRevision';
/** Revision up to which compaction was promised. */
export const META_SCHEDULED_COMPACT = 'scheduledCompactRevision';
/** Revision up to which the compacted rows are gone. */
export const META_FINISHED_COMPACT = 'finishedCompactRevision';

/** A revision as a row of `meta`. */
export function encodeMetaRevision(revision: number): Uint8Array {
  const row = new Uint8Array(8);
  writeUint64(row, 0, revision);
  return row;
}

/** The revision in a row of `meta`; `missing` when there is no such row. */
export function decodeMetaRevision(row: Uint8Array | undefined, missing: number): number {
  if (row === undefined) return missing;
  if (row.length !== 8) throw new MvccError('corrupt', 'a revision row does not have 8 bytes');
  return readUint64(row, 0);
}

/** Key of a row of `meta`. */
export function metaKeyOf(name: string): Uint8Array {
  return Buffer.from(name, 'utf8');
}
