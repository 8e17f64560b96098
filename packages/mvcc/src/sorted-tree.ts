import { createRequire } from 'node:module';
import type BTree from 'sorted-btree';

// The package is CommonJS with a default export, which loaders turn into different things on import.
const loaded = createRequire(import.meta.url)('sorted-btree') as typeof BTree;

/** A sorted map with text keys: O(log n) changes, and clones that cost nothing until they are changed. */
export type SortedTree<V> = BTree.default<string, V>;

/** Makes an empty tree, in the order of latin1 texts, which is the order of the bytes they stand for. */
export function newSortedTree<V>(): SortedTree<V> {
  return new loaded.default<string, V>(undefined, compareTexts);
}

function compareTexts(a: string, b: string): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
