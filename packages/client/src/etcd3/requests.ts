import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Compare_CompareResult as CompareResults,
  type CompareSchema,
  Compare_CompareTarget as CompareTargets,
  type DeleteRangeRequestSchema,
  type PutRequestSchema,
  type RangeRequestSchema,
  type RequestOpSchema,
  RangeRequest_SortOrder as SortOrders,
  RangeRequest_SortTarget as SortTargets,
  type TxnRequestSchema,
} from '@kvorum/api';
import { emptyKey, toInt64 } from './encoding.ts';
import type {
  CompareResult,
  ICompare,
  IDeleteRangeRequest,
  IPutRequest,
  IRangeRequest,
  IRequestOp,
  ITxnRequest,
  SortOrder,
  SortTarget,
} from './messages.ts';

/** Sort targets by their names. */
export const sortTargets: Readonly<Record<SortTarget, SortTargets>> = {
  Key: SortTargets.KEY,
  Version: SortTargets.VERSION,
  Create: SortTargets.CREATE,
  Mod: SortTargets.MOD,
  Value: SortTargets.VALUE,
};

/** Sort orders by their names. */
export const sortOrders: Readonly<Record<SortOrder, SortOrders>> = {
  None: SortOrders.NONE,
  Ascend: SortOrders.ASCEND,
  Descend: SortOrders.DESCEND,
};

const compareResults: Readonly<Record<CompareResult, CompareResults>> = {
  Equal: CompareResults.EQUAL,
  Greater: CompareResults.GREATER,
  Less: CompareResults.LESS,
  NotEqual: CompareResults.NOT_EQUAL,
};

export function rangeRequest(request: IRangeRequest): MessageInitShape<typeof RangeRequestSchema> {
  return {
    key: request.key ?? emptyKey,
    rangeEnd: request.range_end ?? emptyKey,
    limit: toInt64(request.limit),
    revision: toInt64(request.revision),
    sortOrder: sortOrders[request.sort_order ?? 'None'],
    sortTarget: sortTargets[request.sort_target ?? 'Key'],
    serializable: request.serializable ?? false,
    keysOnly: request.keys_only ?? false,
    countOnly: request.count_only ?? false,
    minModRevision: toInt64(request.min_mod_revision),
    maxModRevision: toInt64(request.max_mod_revision),
    minCreateRevision: toInt64(request.min_create_revision),
    maxCreateRevision: toInt64(request.max_create_revision),
  };
}

export function putRequest(request: IPutRequest): MessageInitShape<typeof PutRequestSchema> {
  return {
    key: request.key ?? emptyKey,
    value: request.value ?? emptyKey,
    lease: toInt64(request.lease),
    prevKv: request.prev_kv ?? false,
    ignoreValue: request.ignore_value ?? false,
    ignoreLease: request.ignore_lease ?? false,
  };
}

export function deleteRangeRequest(
  request: IDeleteRangeRequest,
): MessageInitShape<typeof DeleteRangeRequestSchema> {
  return {
    key: request.key ?? emptyKey,
    rangeEnd: request.range_end ?? emptyKey,
    prevKv: request.prev_kv ?? false,
  };
}

export function txnRequest(request: ITxnRequest): MessageInitShape<typeof TxnRequestSchema> {
  return {
    compare: (request.compare ?? []).map(compareMessage),
    success: (request.success ?? []).map(requestOp),
    failure: (request.failure ?? []).map(requestOp),
  };
}

/** Whether no step of it changes anything. */
export function isReadOnly({ success = [], failure = [] }: ITxnRequest): boolean {
  return [...success, ...failure].every((op) => {
    if (op.request_txn !== undefined) return isReadOnly(op.request_txn);
    return op.request_put === undefined && op.request_delete_range === undefined;
  });
}

function requestOp(op: IRequestOp): MessageInitShape<typeof RequestOpSchema> {
  if (op.request_range !== undefined) {
    return { request: { case: 'requestRange', value: rangeRequest(op.request_range) } };
  }
  if (op.request_put !== undefined) {
    return { request: { case: 'requestPut', value: putRequest(op.request_put) } };
  }
  if (op.request_delete_range !== undefined) {
    const value = deleteRangeRequest(op.request_delete_range);
    return { request: { case: 'requestDeleteRange', value } };
  }
  return { request: { case: 'requestTxn', value: txnRequest(op.request_txn ?? {}) } };
}

function compareMessage(compare: ICompare): MessageInitShape<typeof CompareSchema> {
  const result = compareResults[compare.result ?? 'Equal'];
  const common = { key: compare.key ?? emptyKey, result };
  switch (compare.target) {
    case 'Value': {
      const value = compare.value ?? emptyKey;
      return { ...common, target: CompareTargets.VALUE, targetUnion: { case: 'value', value } };
    }
    case 'Create': {
      const value = toInt64(compare.create_revision);
      const targetUnion = { case: 'createRevision', value } as const;
      return { ...common, target: CompareTargets.CREATE, targetUnion };
    }
    case 'Mod': {
      const value = toInt64(compare.mod_revision);
      const targetUnion = { case: 'modRevision', value } as const;
      return { ...common, target: CompareTargets.MOD, targetUnion };
    }
    case 'Lease': {
      const value = toInt64(compare.lease);
      return { ...common, target: CompareTargets.LEASE, targetUnion: { case: 'lease', value } };
    }
    default: {
      const value = toInt64(compare.version);
      const targetUnion = { case: 'version', value } as const;
      return { ...common, target: CompareTargets.VERSION, targetUnion };
    }
  }
}
