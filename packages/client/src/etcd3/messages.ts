import type { Buffer } from 'node:buffer';
import type { Int64 } from './encoding.ts';

// Requests and responses in the words of npm's etcd3: names as in etcd's .proto files, 64-bit numbers as text.

/** Who answered, and at which revision. */
export interface IResponseHeader {
  cluster_id: string;
  member_id: string;
  revision: string;
  raft_term: string;
}

/** A key with its value, and when it was written. */
export interface IKeyValue {
  key: Buffer;
  create_revision: string;
  mod_revision: string;
  version: string;
  value: Buffer;
  lease: string;
}

/** What to sort by. */
export type SortTarget = 'Key' | 'Version' | 'Create' | 'Mod' | 'Value';

/** In which order. */
export type SortOrder = 'None' | 'Ascend' | 'Descend';

/** A read of one key, or of [key, range_end). */
export interface IRangeRequest {
  key?: Buffer;
  range_end?: Buffer;
  limit?: Int64;
  revision?: Int64;
  sort_order?: SortOrder;
  sort_target?: SortTarget;
  serializable?: boolean;
  keys_only?: boolean;
  count_only?: boolean;
  min_mod_revision?: Int64;
  max_mod_revision?: Int64;
  min_create_revision?: Int64;
  max_create_revision?: Int64;
}

/** What a read has found. */
export interface IRangeResponse {
  header: IResponseHeader;
  kvs: IKeyValue[];
  more: boolean;
  count: string;
}

/** A write of one key. */
export interface IPutRequest {
  key?: Buffer;
  value?: Buffer;
  lease?: Int64;
  prev_kv?: boolean;
  ignore_value?: boolean;
  ignore_lease?: boolean;
}

/** What a write answers with. */
export interface IPutResponse {
  header: IResponseHeader;
  prev_kv: IKeyValue | null;
}

/** A deletion of one key, or of [key, range_end). */
export interface IDeleteRangeRequest {
  key?: Buffer;
  range_end?: Buffer;
  prev_kv?: boolean;
}

/** What a deletion has done. */
export interface IDeleteRangeResponse {
  header: IResponseHeader;
  deleted: string;
  prev_kvs: IKeyValue[];
}

/** One step of a transaction; one field is set. */
export interface IRequestOp {
  request_range?: IRangeRequest;
  request_put?: IPutRequest;
  request_delete_range?: IDeleteRangeRequest;
  request_txn?: ITxnRequest;
}

/** What one step answers with; `response` names the field that is set. */
export interface IResponseOp {
  response: 'response_range' | 'response_put' | 'response_delete_range' | 'response_txn';
  response_range: IRangeResponse;
  response_put: IPutResponse;
  response_delete_range: IDeleteRangeResponse;
  response_txn: ITxnResponse;
}

/** What is compared. */
export type CompareTarget = 'Value' | 'Version' | 'Create' | 'Mod' | 'Lease';

/** How it must stand to what is given. */
export type CompareResult = 'Equal' | 'Greater' | 'Less' | 'NotEqual';

/** A condition of a transaction. */
export interface ICompare {
  result?: CompareResult;
  target?: CompareTarget;
  key?: Buffer;
  version?: Int64;
  create_revision?: Int64;
  mod_revision?: Int64;
  value?: Buffer;
  lease?: Int64;
}

/** Conditions, and the steps for when they hold and when not. */
export interface ITxnRequest {
  compare?: ICompare[];
  success?: IRequestOp[];
  failure?: IRequestOp[];
}

/** What a transaction came to. */
export interface ITxnResponse {
  header: IResponseHeader;
  succeeded: boolean;
  responses: IResponseOp[];
}

/** What a renewal of a lease answers with. */
export interface ILeaseKeepAliveResponse {
  header: IResponseHeader;
  ID: string;
  TTL: string;
}

/** A change of one key. */
export interface IEvent {
  type: 'Put' | 'Delete';
  kv: IKeyValue;
  prev_kv: IKeyValue | null;
}

/** Events of a watch. Of the header there is the revision alone. */
export interface IWatchResponse {
  header: IResponseHeader;
  watch_id: string;
  created: boolean;
  canceled: boolean;
  compact_revision: string;
  cancel_reason: string;
  fragment: boolean;
  events: IEvent[];
}
