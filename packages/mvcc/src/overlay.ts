import type { KeyMeta } from './key-meta.ts';
import type { KeyRange } from './key-range.ts';
import { newSortedTree, type SortedTree } from './sorted-tree.ts';

/** The latest version of a key, or `null` for a key that does not exist. */
export type LatestEntry = KeyMeta | null;

/**
 * What an open batch changed so far, over the committed state: the latest version of each touched key,
 * or `null` where the key was deleted. The sorted order of the keys is kept only once someone asks for a
 * range, as most batches never do.
 */
export class Overlay {
  readonly entries = new Map<string, LatestEntry>();
  #sorted: SortedTree<LatestEntry> | undefined;

  get(keyText: string): LatestEntry | undefined {
    return this.entries.get(keyText);
  }

  set(keyText: string, entry: LatestEntry): void {
    this.entries.set(keyText, entry);
    this.#sorted?.set(keyText, entry);
  }

  /** Entries of a range in key order. */
  inRange(range: KeyRange): [string, LatestEntry][] {
    this.#sorted ??= sorted(this.entries);
    const highest = range.hi ?? this.#sorted.maxKey();
    if (highest === undefined) return [];
    return this.#sorted.getRange(range.lo, highest, range.hi === undefined);
  }
}

function sorted(entries: ReadonlyMap<string, LatestEntry>): SortedTree<LatestEntry> {
  const tree = newSortedTree<LatestEntry>();
  for (const [keyText, entry] of entries) tree.set(keyText, entry);
  return tree;
}
