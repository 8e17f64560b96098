import { compareBytes } from '../encoding.ts';
import type { KeyValue } from '../key-value.ts';
import type { KeyDifference } from './cache-change.ts';
import type { SortedEntries } from './sorted-entries.ts';

/** What leads from one state to another: what is new or different, then what is gone, each in the order of keys. */
export function* differencesOf(
  before: SortedEntries,
  after: SortedEntries,
): Generator<KeyDifference, void, undefined> {
  for (const entry of after) {
    const previous = before.get(entry.key);
    if (previous !== entry) yield { key: entry.key, previous, entry };
  }
  for (const previous of before) {
    const { key } = previous;
    if (after.get(key) === undefined) yield { key, previous, entry: undefined };
  }
}

/** Whether two entries are of the same write. In a store that was restored revisions come again, with other values. */
export function isSameEntry(one: KeyValue, other: KeyValue): boolean {
  return (
    one.modRevision === other.modRevision &&
    one.createRevision === other.createRevision &&
    one.lease === other.lease &&
    compareBytes(one.value, other.value) === 0
  );
}
