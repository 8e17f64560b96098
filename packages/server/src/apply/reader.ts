import { EtcdError } from '@kvorum/api';
import {
  type KeyMeta,
  MvccError,
  type RangeQuery,
  type RangeResult,
  type WriteTxn,
} from '@kvorum/mvcc';
import type { RangeRequest } from '../codec/kv-requests.ts';

/** What compares, checks and ranges read from: the store, or an open write transaction on it. */
export interface KvReader {
  /** Latest revision that the reader sees. */
  readonly revision: number;
  /** Latest compacted revision; -1 before any. */
  readonly compactRevision: number;
  /** The latest version of a key (latin1 text of its bytes), or undefined when it doesn't exist. */
  get(keyText: string): KeyMeta | undefined;
  /** mvccpb.KeyValue wire of what `get` returned. */
  wireOf(meta: KeyMeta): Uint8Array;
  range(query: RangeQuery): RangeResult;
}

/** An open write transaction as a reader that sees its own writes. */
export class TxnReader implements KvReader {
  readonly txn: WriteTxn;
  readonly compactRevision: number;

  constructor(txn: WriteTxn, compactRevision: number) {
    this.txn = txn;
    this.compactRevision = compactRevision;
  }

  get revision(): number {
    return this.txn.changed ? this.txn.revisionBefore + 1 : this.txn.revisionBefore;
  }

  get(text: string): KeyMeta | undefined {
    return this.txn.get(text);
  }

  wireOf(meta: KeyMeta): Uint8Array {
    return this.txn.wireOf(meta);
  }

  range(query: RangeQuery): RangeResult {
    return this.txn.range(query);
  }
}

const SORT_ORDERS = ['none', 'ascend', 'descend'] as const;
const SORT_TARGETS = ['key', 'version', 'create', 'mod', 'value'] as const;

/** The store's form of a request whose enums were validated. */
export function rangeQueryOf(request: RangeRequest): RangeQuery {
  return {
    key: request.key,
    rangeEnd: request.rangeEnd,
    revision: request.revision,
    limit: request.limit,
    sortOrder: SORT_ORDERS[request.sortOrder] ?? 'none',
    sortTarget: SORT_TARGETS[request.sortTarget] ?? 'key',
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    minModRevision: request.minModRevision,
    maxModRevision: request.maxModRevision,
    minCreateRevision: request.minCreateRevision,
    maxCreateRevision: request.maxCreateRevision,
  };
}

/** The etcd error behind an error of the store; whatever else it is passes through. */
export function toEtcdError(error: unknown): unknown {
  if (!(error instanceof MvccError)) return error;
  if (error.code === 'compacted') return new EtcdError('compacted');
  if (error.code === 'futureRevision') return new EtcdError('futureRev');
  return error;
}

/** Bytes as a string whose order is that of the bytes. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
