import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  DeleteRangeRequestSchema,
  DeleteRangeResponse,
  PutRequestSchema,
  PutResponse,
} from '@kvorum/api';
import { type Bytes, toBytes } from '../encoding.ts';
import type { KeyValue } from '../key-value.ts';
import type { Keys, Keyspace } from '../keyspace.ts';

/** Anything that has a lease's id, or the id. */
export type LeaseLike = bigint | { readonly id: bigint };

/** How a key is written. */
export interface PutOptions {
  /** The lease that the key goes away with. Default: none. */
  readonly lease?: LeaseLike;
  /** Whether the answer has what was there before. Default false. */
  readonly previous?: boolean;
  /** Leaves the key's lease as it is; "keyNotFound" when there is no such key. Default false. */
  readonly ignoreLease?: boolean;
}

/** What a write answers with. */
export interface PutResult {
  /** The revision of this write. */
  readonly revision: bigint;
  /** With `previous`: what was there before, if anything. */
  readonly previous: KeyValue | undefined;
}

/** What a deletion answers with, besides the count. */
export interface DeleteOptions {
  /** Whether the answer has what was deleted. Default false. */
  readonly previous?: boolean;
}

/** What a deletion has done. */
export interface DeleteResult {
  /** The store's revision after it: a new one when anything was deleted. */
  readonly revision: bigint;
  /** How many keys. */
  readonly deleted: number;
  /** With `previous`: what was deleted. */
  readonly previous: readonly KeyValue[];
}

/** Throws `ClientError` "emptyKey". */
export function putMessage(
  keyspace: Keyspace,
  key: Bytes,
  value: Bytes,
  { lease = 0n, previous = false, ignoreLease = false }: PutOptions,
): MessageInitShape<typeof PutRequestSchema> {
  return {
    key: keyspace.key(key),
    value: toBytes(value),
    lease: typeof lease === 'bigint' ? lease : lease.id,
    prevKv: previous,
    ignoreLease,
  };
}

export function putResult(
  { header, prevKv }: PutResponse,
  keyspace: Keyspace,
  revision = header?.revision ?? 0n,
): PutResult {
  return { revision, previous: prevKv === undefined ? undefined : keyspace.keyValue(prevKv) };
}

/** Throws `ClientError` "emptyKey". */
export function deleteMessage(
  keyspace: Keyspace,
  keys: Keys,
  { previous = false }: DeleteOptions,
): MessageInitShape<typeof DeleteRangeRequestSchema> {
  return { ...keyspace.span(keys), prevKv: previous };
}

export function deleteResult(
  { header, deleted, prevKvs }: DeleteRangeResponse,
  keyspace: Keyspace,
  revision = header?.revision ?? 0n,
): DeleteResult {
  const previous = prevKvs.map((kv) => keyspace.keyValue(kv));
  return { revision, deleted: Number(deleted), previous };
}
