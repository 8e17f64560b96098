import type { Buffer } from 'node:buffer';
import { asMapKey } from '../encoding.ts';
import type { CallOptions } from './call-options.ts';
import { toInt64 } from './encoding.ts';
import type { KV, RemoteKV } from './kv.ts';
import type {
  ICompare,
  IDeleteRangeRequest,
  IDeleteRangeResponse,
  IPutRequest,
  IPutResponse,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
} from './messages.ts';
import { Range } from './range.ts';
import { headerAt } from './responses.ts';

/** What a transaction is promised about the reads and writes of others. */
export const Isolation = {
  /** Reads are of one moment, and nobody has written in between what was read or is written. */
  SerializableSnapshot: 0,
  /** Reads are of one moment, and nobody has written in between what was read. */
  Serializable: 1,
  /** A key reads the same each time, and nobody has written in between what was read. */
  RepeatableReads: 2,
  /** Reads are of what was committed, each at its own moment. */
  ReadCommitted: 3,
} as const;

/** What a transaction is promised about the reads and writes of others. */
export type Isolation = (typeof Isolation)[keyof typeof Isolation];

interface Read {
  readonly key: Buffer;
  readonly response: IRangeResponse;
}

/** One attempt of a software transaction: what it has read and what it wants to write. */
export class StmAttempt implements KV {
  readonly #kv: RemoteKV;
  readonly #isolation: Isolation;
  readonly #reads = new Map<string, Promise<IRangeResponse>>();
  readonly #answered: Read[] = [];
  /** In order; of a key there is the last one only. */
  #writes: IRequestOp[] = [];
  #firstRead: Promise<IRangeResponse> | undefined = undefined;

  constructor(kv: RemoteKV, isolation: Isolation) {
    this.#kv = kv;
    this.#isolation = isolation;
  }

  /** Reads a key once; what was written here is seen. */
  range(request: IRangeRequest): Promise<IRangeResponse> {
    refuse('read', request, [
      'revision',
      'range_end',
      'min_mod_revision',
      'max_mod_revision',
      'min_create_revision',
      'max_create_revision',
    ]);
    const key = request.key as Buffer;
    const written = this.#written(key);
    if (written !== undefined) return Promise.resolve(written);
    const name = asMapKey(key);
    const reading = this.#reads.get(name) ?? this.#read(key);
    this.#reads.set(name, reading);
    return reading.then(copyOf);
  }

  async put(request: IPutRequest): Promise<IPutResponse> {
    refuse('put', request, ['lease', 'prev_kv']);
    this.#replace(request.key as Buffer, { request_put: request });
    return { header: headerAt(0n), prev_kv: null };
  }

  async deleteRange(request: IDeleteRangeRequest): Promise<IDeleteRangeResponse> {
    refuse('delete', request, ['prev_kv']);
    const key = request.key as Buffer;
    if (request.range_end !== undefined && request.range_end.length > 0) {
      this.#writes.push({ request_delete_range: request });
    } else {
      this.#replace(key, { request_delete_range: request });
    }
    return { header: headerAt(0n), deleted: '1', prev_kvs: [] };
  }

  /** Resolves with whether it was done: false when somebody else was faster. */
  async commit(options: CallOptions | undefined): Promise<boolean> {
    const compare = this.#conditions();
    const { succeeded } = await this.#kv.txn({ compare, success: this.#writes }, options);
    return succeeded;
  }

  async #read(key: Buffer): Promise<IRangeResponse> {
    const isOfOneMoment =
      this.#isolation === Isolation.Serializable ||
      this.#isolation === Isolation.SerializableSnapshot;
    let reading: Promise<IRangeResponse>;
    if (isOfOneMoment && this.#firstRead !== undefined) {
      const { header } = await this.#firstRead;
      // That revision is there: another member need not be asked for a newer one.
      reading = this.#kv.range({ key, limit: 1, revision: header.revision });
    } else {
      reading = this.#kv.range({ key, limit: 1 });
      this.#firstRead ??= reading;
    }
    const response = await reading;
    this.#answered.push({ key, response });
    return response;
  }

  #conditions(): ICompare[] {
    if (this.#isolation === Isolation.ReadCommitted) return [];
    const conditions: ICompare[] = this.#answered.map(({ key, response }) => {
      const revision = response.kvs[0]?.mod_revision ?? '0';
      return { key, target: 'Mod', result: 'Equal', mod_revision: revision };
    });
    if (this.#isolation !== Isolation.SerializableSnapshot) return conditions;
    const [first] = this.#answered;
    if (first === undefined) return conditions;
    const after = toInt64(first.response.header.revision) + 1n;
    for (const { request_put: put, request_delete_range: deletion } of this.#writes) {
      if ((deletion?.range_end?.length ?? 0) > 0) {
        throw new Error('You cannot delete ranges in the SerializableSnapshot isolation level');
      }
      const key = (put ?? deletion)?.key as Buffer;
      conditions.push({ key, target: 'Mod', result: 'Less', mod_revision: after });
    }
    return conditions;
  }

  #replace(key: Buffer, op: IRequestOp): void {
    this.#writes = this.#writes.filter(({ request_put: put, request_delete_range: deletion }) => {
      if (put !== undefined) return put.key?.equals(key) !== true;
      const isRange = (deletion?.range_end?.length ?? 0) > 0;
      return isRange || deletion?.key?.equals(key) !== true;
    });
    this.#writes.push(op);
  }

  #written(key: Buffer): IRangeResponse | undefined {
    const last = this.#writes.findLast((op) => touches(op, key));
    if (last === undefined) return undefined;
    const { request_put: put } = last;
    const header = headerAt(0n);
    if (put === undefined) return { header, kvs: [], more: false, count: '0' };
    const value = put.value as Buffer;
    const unknown = { create_revision: '0', mod_revision: '0', version: '0', lease: '0' };
    return { header, kvs: [{ key, value, ...unknown }], more: false, count: '1' };
  }
}

function touches({ request_put: put, request_delete_range: deletion }: IRequestOp, key: Buffer) {
  if (put !== undefined) return put.key?.equals(key) === true;
  if (deletion?.key === undefined) return false;
  const { key: start, range_end: end } = deletion;
  if (end === undefined || end.length === 0) return start.equals(key);
  const isOpen = end.length === 1 && end[0] === 0;
  return isOpen ? start.compare(key) <= 0 : new Range(start, end).includes(key);
}

/** The same answer for another reader, who may change it. */
function copyOf(response: IRangeResponse): IRangeResponse {
  return { ...response, kvs: response.kvs.map((kv) => ({ ...kv })) };
}

function refuse<R extends object>(what: string, request: R, fields: readonly (keyof R)[]): void {
  const found = fields.find((field) => request[field] !== undefined);
  if (found === undefined) return;
  throw new Error(
    `"${String(found)}" is not supported in ${what} requests within STM transactions`,
  );
}
