import type { KeyValue } from '../key-value.ts';

/** How one key differs from what the reader was told last. */
export type CacheChange =
  | { readonly type: 'added'; readonly entry: KeyValue; readonly previous: undefined }
  | { readonly type: 'modified'; readonly entry: KeyValue; readonly previous: KeyValue }
  | { readonly type: 'deleted'; readonly entry: undefined; readonly previous: KeyValue };

/** What leads from one state of the cache to a later one. */
export interface CacheBatch {
  /** The cache's when it was in the state that this one leads to. */
  readonly revision: bigint;
  /** Each key once at most, in the order of their last changes. Not empty. */
  readonly changes: readonly CacheChange[];
}

/** What a reader is to be told of: all changes that are among these, whoever tells of them. */
export interface KeyDifference {
  readonly key: Uint8Array;
  /** Undefined: the key was not there. */
  readonly previous: KeyValue | undefined;
  /** Undefined: the key is not there any more. */
  readonly entry: KeyValue | undefined;
}

/** Undefined when there is no difference. */
export function changeOf({ previous, entry }: KeyDifference): CacheChange | undefined {
  if (previous === undefined) {
    return entry === undefined ? undefined : { type: 'added', entry, previous };
  }
  if (entry === undefined) return { type: 'deleted', entry, previous };
  return { type: 'modified', entry, previous };
}
