import type { Buffer } from 'node:buffer';
import type { CallOptions } from './call-options.ts';
import { toBuffer } from './encoding.ts';
import type { RemoteKV } from './kv.ts';
import type {
  CompareResult,
  CompareTarget,
  ICompare,
  IRequestOp,
  ITxnResponse,
} from './messages.ts';
import type { KeyPrefix } from './range.ts';
import { assertWithin } from './words.ts';

/** What can be a step of a transaction: the builders. */
export interface IOperation {
  /** The step. */
  op(): Promise<IRequestOp>;
}

/** The signs for comparisons. */
export const comparator = {
  '==': 'Equal',
  '===': 'Equal',
  '>': 'Greater',
  '<': 'Less',
  '!=': 'NotEqual',
  '!==': 'NotEqual',
} as const satisfies Record<string, CompareResult>;

/** What is compared, and the field that holds what it is compared with. */
export const compareTarget = {
  Value: 'value',
  Version: 'version',
  Create: 'create_revision',
  Mod: 'mod_revision',
  Lease: 'lease',
} as const satisfies Record<CompareTarget, keyof ICompare>;

/** A transaction: `client.if('lock', 'Create', '==', 0).then(client.put('lock').value('me')).commit()`. */
export class ComparatorBuilder {
  readonly #kv: RemoteKV;
  readonly #prefix: KeyPrefix;
  readonly #compare: ICompare[] = [];
  #success: readonly Promise<IRequestOp>[] = [];
  #failure: readonly Promise<IRequestOp>[] = [];
  #options: CallOptions | undefined = undefined;

  /** @internal */
  constructor(kv: RemoteKV, prefix: KeyPrefix) {
    this.#kv = kv;
    this.#prefix = prefix;
  }

  /** Options of this call. */
  options(options: CallOptions | undefined): this {
    this.#options = options;
    return this;
  }

  /** One more condition; all of them must hold. Throws for columns and signs that there are not. */
  and(
    key: string | Buffer,
    column: keyof typeof compareTarget,
    cmp: keyof typeof comparator,
    value: string | Buffer | number,
  ): this {
    assertWithin(compareTarget, column, 'comparison target in client.and(...)');
    assertWithin(comparator, cmp, 'comparator in client.and(...)');
    this.#compare.push({
      key: this.#prefix.key(toBuffer(key)),
      result: comparator[cmp],
      target: column,
      [compareTarget[column]]: column === 'Value' ? toBuffer(value) : String(value),
    });
    return this;
  }

  /** What to do when all conditions hold; the last call counts. */
  // biome-ignore lint/suspicious/noThenProperty: the name is that of npm's etcd3.
  then(...clauses: (IRequestOp | IOperation)[]): this {
    this.#success = this.mapOperations(clauses);
    return this;
  }

  /** What to do when one does not; the last call counts. */
  else(...clauses: (IRequestOp | IOperation)[]): this {
    this.#failure = this.mapOperations(clauses);
    return this;
  }

  /** Sends it. */
  async commit(): Promise<ITxnResponse> {
    const [success, failure] = await Promise.all([
      Promise.all(this.#success),
      Promise.all(this.#failure),
    ]);
    return this.#kv.txn({ compare: this.#compare, success, failure }, this.#options);
  }

  /** The steps that builders stand for. */
  mapOperations(ops: (IRequestOp | IOperation)[]): Promise<IRequestOp>[] {
    return ops.map((op) => {
      // `await` would call `then` with functions, and would wait for ever.
      if (typeof op === 'function') {
        throw new TypeError('a transaction is no promise: commit() sends it, and gives one');
      }
      const step = 'op' in op ? op.op() : Promise.resolve(op);
      step.catch(() => undefined);
      return step;
    });
  }
}
