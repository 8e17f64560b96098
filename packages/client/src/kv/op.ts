import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RequestOpSchema, ResponseOp } from '@kvorum/api';
import type { Bytes } from '../encoding.ts';
import type { KeyValue } from '../key-value.ts';
import type { Keys, Keyspace } from '../keyspace.ts';
import { type RangeOptions, type RangeResult, rangeMessage, rangeResult } from './range.ts';
import { Transaction } from './transaction.ts';
import {
  type DeleteOptions,
  type DeleteResult,
  deleteMessage,
  deleteResult,
  type PutOptions,
  type PutResult,
  putMessage,
  putResult,
} from './write.ts';

/** One step of a transaction, and what it answers with. Made by the functions of `op`. */
export interface Op<R> {
  /** It changes nothing. */
  readonly isReadOnly: boolean;
  /** As the server gets it. Throws `ClientError` "emptyKey". */
  toMessage(keyspace: Keyspace): MessageInitShape<typeof RequestOpSchema>;
  /** Reads the answer; `revision` is the transaction's. */
  readResult(answer: ResponseOp, keyspace: Keyspace, revision: bigint): R;
}

/** Options of a read within a transaction, which happens at the transaction's revision unless told otherwise. */
export type OpRangeOptions = Omit<RangeOptions, 'serializable'>;

/** Steps of a transaction: what `then` and `else` take. Each answers with what the client's method of its name does. */
export const op = {
  /** Reads one key: a `KeyValue`, or undefined when there is none. */
  get(key: Bytes, options: { readonly revision?: bigint } = {}): Op<KeyValue | undefined> {
    return {
      isReadOnly: true,
      toMessage: (keyspace) => {
        const span = { key: keyspace.key(key), rangeEnd: new Uint8Array(0) };
        return { request: { case: 'requestRange', value: rangeMessage(span, options) } };
      },
      readResult: ({ response }, keyspace) => {
        const kv = response.case === 'responseRange' ? response.value.kvs[0] : undefined;
        return kv === undefined ? undefined : keyspace.keyValue(kv);
      },
    };
  },

  /** Reads several keys. */
  range(keys: Keys, options: OpRangeOptions = {}): Op<RangeResult> {
    return {
      isReadOnly: true,
      toMessage: (keyspace) => {
        const value = rangeMessage(keyspace.span(keys), options);
        return { request: { case: 'requestRange', value } };
      },
      readResult: ({ response }, keyspace, revision) => {
        if (response.case !== 'responseRange') throw misplaced('range', response.case);
        return rangeResult(response.value, keyspace, revision);
      },
    };
  },

  /** Writes one key. A transaction writes each key once at most; else it is refused as "duplicateKey". */
  put(key: Bytes, value: Bytes, options: PutOptions = {}): Op<PutResult> {
    return {
      isReadOnly: false,
      toMessage: (keyspace) => {
        return {
          request: { case: 'requestPut', value: putMessage(keyspace, key, value, options) },
        };
      },
      readResult: ({ response }, keyspace, revision) => {
        if (response.case !== 'responsePut') throw misplaced('put', response.case);
        return putResult(response.value, keyspace, revision);
      },
    };
  },

  /** Deletes one key, or several. */
  delete(keys: Keys, options: DeleteOptions = {}): Op<DeleteResult> {
    return {
      isReadOnly: false,
      toMessage: (keyspace) => {
        const value = deleteMessage(keyspace, keys, options);
        return { request: { case: 'requestDeleteRange', value } };
      },
      readResult: ({ response }, keyspace, revision) => {
        if (response.case !== 'responseDeleteRange') throw misplaced('delete', response.case);
        return deleteResult(response.value, keyspace, revision);
      },
    };
  },

  /** A transaction within the transaction: `op.txn().if(…).then(…).else(…)`. */
  txn(): Transaction<readonly [], readonly []> {
    return new Transaction([], [], []);
  },
} as const;

function misplaced(name: string, answer: string | undefined): Error {
  return new Error(`the server answers "${name}" with ${answer ?? 'nothing'}`);
}
