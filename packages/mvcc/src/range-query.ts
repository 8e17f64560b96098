/** Order of a range answer; `none` is key order, see `RangeQuery.sortTarget`. */
export type SortOrder = 'none' | 'ascend' | 'descend';

/** What a range answer is ordered by. */
export type SortTarget = 'key' | 'version' | 'create' | 'mod' | 'value';

/** A question to the store, with the meaning that etcd gives to the fields of its RangeRequest. */
export interface RangeQuery {
  /** First key; must not be empty. */
  readonly key: Uint8Array;
  /** Empty or missing: `key` alone. One zero byte: every key from `key` on. Else [key, rangeEnd). */
  readonly rangeEnd?: Uint8Array | undefined;
  /** Revision to read at; 0, negative or missing: the newest. */
  readonly revision?: number | undefined;
  /** Most keys to return; 0, negative or missing: all. */
  readonly limit?: number | undefined;
  readonly sortOrder?: SortOrder | undefined;
  /** With a target but no order the answer ascends, after a limit has cut it in key order. */
  readonly sortTarget?: SortTarget | undefined;
  /** Leave out the values. */
  readonly keysOnly?: boolean | undefined;
  /** Leave out everything but the count. */
  readonly countOnly?: boolean | undefined;
  /** Bounds on the revisions of what is returned (0 = none); they do not change the count. */
  readonly minModRevision?: number | undefined;
  readonly maxModRevision?: number | undefined;
  readonly minCreateRevision?: number | undefined;
  readonly maxCreateRevision?: number | undefined;
}

/** What the store answers. */
export interface RangeResult {
  /** mvccpb.KeyValue on the wire, one each; borrowed from the store, so nobody writes to them. */
  kvs: Uint8Array[];
  /** Keys in the range at that revision, whatever the limit and the bounds on revisions. */
  count: number;
  /** Whether the limit cut the answer. */
  more: boolean;
  /** Newest revision of what was read: the header revision of the answer. */
  revision: number;
}

/** A part of an answer in wire format: elements of the field `kvs` of etcd's RangeResponse, `bytes[start, end)`. */
export interface PackedKvs {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What the store answers to those who pass the bytes on. */
export interface PackedRangeResult {
  /** All keys in order; borrowed from the store, so nobody writes to them. */
  readonly parts: readonly PackedKvs[];
  /** As in `RangeResult`. */
  readonly count: number;
  readonly more: boolean;
  readonly revision: number;
}
