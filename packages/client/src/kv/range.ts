import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  RangeRequestSchema,
  type RangeResponse,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from '@kvorum/api';
import type { CallOptions } from '../call-options.ts';
import type { KeyValue } from '../key-value.ts';
import type { Keyspace, Span } from '../keyspace.ts';
import type { RpcClient } from '../rpc-client.ts';
import { type RangeAnswer, readRangeAnswer } from './range-answer.ts';

export type RangeMessage = MessageInitShape<typeof RangeRequestSchema>;

/** At which moment, and how surely, keys are read. */
export interface ReadOptions {
  /** The revision to read at. Default: the latest one. Refused as "compacted" or "futureRev" when it isn't there. */
  readonly revision?: bigint;
  /** What the member that is asked has, though it may be behind the others. Default false: the latest there is. */
  readonly serializable?: boolean;
}

/** Only keys that were created or last written at these revisions, both ends included. */
export interface RevisionFilters {
  readonly minModRevision?: bigint;
  readonly maxModRevision?: bigint;
  readonly minCreateRevision?: bigint;
  readonly maxCreateRevision?: bigint;
}

/** What is read of a range, and in which order. */
export interface RangeOptions extends ReadOptions, RevisionFilters {
  /** So many keys at most; 0 and default: all of them. */
  readonly limit?: number;
  /** Without values. Default false. */
  readonly keysOnly?: boolean;
  /** What to sort by. Default: by key. */
  readonly sortBy?: 'key' | 'version' | 'createRevision' | 'modRevision' | 'value';
  /** Default: ascending. */
  readonly order?: 'ascending' | 'descending';
}

/** What one read of a range has found. */
export interface RangeResult {
  readonly entries: readonly KeyValue[];
  /** The store's revision when it was read. */
  readonly revision: bigint;
  /** Keys of the range, without limit and filters. */
  readonly count: number;
  /** Whether the limit has left some out. */
  readonly more: boolean;
}

const sortTargets: Readonly<Record<NonNullable<RangeOptions['sortBy']>, SortTarget>> = {
  key: SortTarget.KEY,
  version: SortTarget.VERSION,
  createRevision: SortTarget.CREATE,
  modRevision: SortTarget.MOD,
  value: SortTarget.VALUE,
};

export function rangeMessage({ key, rangeEnd }: Span, options: RangeOptions): RangeMessage {
  const { sortBy, order, revision, limit } = options;
  const isSorted = order !== undefined || sortBy !== undefined;
  const ascending = isSorted ? SortOrder.ASCEND : SortOrder.NONE;
  return {
    key,
    rangeEnd,
    limit: BigInt(limit ?? 0),
    revision: revision ?? 0n,
    serializable: options.serializable ?? false,
    keysOnly: options.keysOnly ?? false,
    sortTarget: sortTargets[sortBy ?? 'key'],
    sortOrder: order === 'descending' ? SortOrder.DESCEND : ascending,
    minModRevision: options.minModRevision ?? 0n,
    maxModRevision: options.maxModRevision ?? 0n,
    minCreateRevision: options.minCreateRevision ?? 0n,
    maxCreateRevision: options.maxCreateRevision ?? 0n,
  };
}

/** Asks for a range. Rejects with `ClientError`. */
export async function readRange(
  rpc: RpcClient,
  message: RangeMessage,
  options: CallOptions,
): Promise<RangeAnswer> {
  const request = toBinary(RangeRequestSchema, create(RangeRequestSchema, message));
  return readRangeAnswer(await rpc.unary('/etcdserverpb.KV/Range', request, options));
}

/** `revision` is that of the answer that this one is a part of. */
export function rangeResult(
  { kvs, count, more }: Pick<RangeResponse, 'kvs' | 'count' | 'more'> | RangeAnswer,
  keyspace: Keyspace,
  revision: bigint,
): RangeResult {
  const entries = kvs.map((kv) => keyspace.keyValue(kv));
  return { entries, revision, count: Number(count), more };
}
