import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RequestOpSchema, ResponseOp, TxnRequestSchema, TxnResponse } from '@kvorum/api';
import type { CallOptions } from '../call-options.ts';
import type { Keyspace } from '../keyspace.ts';
import type { Compare } from './compare.ts';
import type { Op } from './op.ts';

/** Steps of a transaction, in their order. */
export type Ops = readonly Op<unknown>[];

/** What steps answer with, in their order. */
export type ResultsOf<O extends Ops> = {
  readonly [I in keyof O]: O[I] extends Op<infer R> ? R : never;
};

/** What a transaction came to: `succeeded` tells which of its branches was taken. */
export type TxnResult<T extends Ops, E extends Ops> =
  | { readonly succeeded: true; readonly revision: bigint; readonly results: ResultsOf<T> }
  | { readonly succeeded: false; readonly revision: bigint; readonly results: ResultsOf<E> };

/**
 * Conditions, what to do when all of them hold, and what to do otherwise; all of it at one moment. Immutable: each
 * method gives a new one. It is a step of another transaction, as `op.txn()` makes it.
 */
export class Transaction<T extends Ops, E extends Ops> implements Op<TxnResult<T, E>> {
  readonly #compares: readonly Compare[];
  readonly #success: T;
  readonly #failure: E;

  /** For `op.txn` and `Client.txn`. */
  constructor(compares: readonly Compare[], success: T, failure: E) {
    this.#compares = compares;
    this.#success = success;
    this.#failure = failure;
  }

  /** More conditions. Without any, the transaction succeeds. */
  if(...compares: readonly Compare[]): Transaction<T, E> {
    return new Transaction([...this.#compares, ...compares], this.#success, this.#failure);
  }

  /** More steps for when all conditions hold. */
  // biome-ignore lint/suspicious/noThenProperty: awaiting one by mistake is found out, see `refuseAwait`.
  then<A extends Ops>(...ops: A): Transaction<readonly [...T, ...A], E> {
    refuseAwait(ops);
    return new Transaction(this.#compares, [...this.#success, ...ops], this.#failure);
  }

  /** More steps for when one does not. */
  else<A extends Ops>(...ops: A): Transaction<T, readonly [...E, ...A]> {
    return new Transaction(this.#compares, this.#success, [...this.#failure, ...ops]);
  }

  /** None of its steps changes anything, whichever branch is taken. */
  get isReadOnly(): boolean {
    return [...this.#success, ...this.#failure].every((one) => one.isReadOnly);
  }

  /** The whole, as the server gets it. Throws `ClientError` "emptyKey". */
  toRequest(keyspace: Keyspace): MessageInitShape<typeof TxnRequestSchema> {
    return {
      compare: this.#compares.map((one) => one.toMessage(keyspace)),
      success: this.#success.map((one) => one.toMessage(keyspace)),
      failure: this.#failure.map((one) => one.toMessage(keyspace)),
    };
  }

  toMessage(keyspace: Keyspace): MessageInitShape<typeof RequestOpSchema> {
    return { request: { case: 'requestTxn', value: this.toRequest(keyspace) } };
  }

  readResult({ response }: ResponseOp, keyspace: Keyspace, revision: bigint): TxnResult<T, E> {
    if (response.case !== 'responseTxn') {
      throw new Error(`the server answers "txn" with ${response.case ?? 'nothing'}`);
    }
    return this.readResponse(response.value, keyspace, revision);
  }

  /** Reads the server's answer; `revision` is that of the outermost transaction. */
  readResponse(answer: TxnResponse, keyspace: Keyspace, revision: bigint): TxnResult<T, E> {
    const { succeeded, responses } = answer;
    const ops: Ops = succeeded ? this.#success : this.#failure;
    if (responses.length !== ops.length) {
      throw new Error(`the server answers ${ops.length} steps with ${responses.length} results`);
    }
    const results = ops.map((one, i) =>
      one.readResult(responses[i] as ResponseOp, keyspace, revision),
    );
    return { succeeded, revision, results } as TxnResult<T, E>;
  }

  protected get parts(): readonly [readonly Compare[], T, E] {
    return [this.#compares, this.#success, this.#failure];
  }
}

/** Sends a transaction that is built. */
export type Commit = <T extends Ops, E extends Ops>(
  transaction: Transaction<T, E>,
  options: CallOptions,
) => Promise<TxnResult<T, E>>;

/** A transaction that is sent by `commit`. */
export class ClientTransaction<T extends Ops, E extends Ops> extends Transaction<T, E> {
  readonly #commit: Commit;

  /** For `Client.txn`. */
  constructor(commit: Commit, compares: readonly Compare[], success: T, failure: E) {
    super(compares, success, failure);
    this.#commit = commit;
  }

  override if(...compares: readonly Compare[]): ClientTransaction<T, E> {
    const [before, success, failure] = this.parts;
    return new ClientTransaction(this.#commit, [...before, ...compares], success, failure);
  }

  // biome-ignore lint/suspicious/noThenProperty: awaiting one by mistake is found out, see `refuseAwait`.
  override then<A extends Ops>(...ops: A): ClientTransaction<readonly [...T, ...A], E> {
    refuseAwait(ops);
    const [compares, success, failure] = this.parts;
    return new ClientTransaction(this.#commit, compares, [...success, ...ops], failure);
  }

  override else<A extends Ops>(...ops: A): ClientTransaction<T, readonly [...E, ...A]> {
    const [compares, success, failure] = this.parts;
    return new ClientTransaction(this.#commit, compares, success, [...failure, ...ops]);
  }

  /**
   * Does it, at once or not at all. Rejects with `ClientError`: "duplicateKey" when a key is written twice,
   * "tooManyOps" beyond what the server allows (128 steps a branch by default). It may be committed again.
   */
  commit(options: CallOptions = {}): Promise<TxnResult<T, E>> {
    return this.#commit(this, options);
  }
}

/** `await` would call `then` with functions, and would wait for ever. */
function refuseAwait(ops: readonly unknown[]): void {
  if (typeof ops[0] === 'function') {
    throw new TypeError('a transaction is no promise: commit() sends it, and gives one');
  }
}
