import type { Buffer } from 'node:buffer';
import type { CallOptions } from './call-options.ts';
import { DeferredCall } from './deferred-call.ts';
import { toBuffer } from './encoding.ts';
import type { KV } from './kv.ts';
import type {
  IDeleteRangeRequest,
  IDeleteRangeResponse,
  IKeyValue,
  IRequestOp,
} from './messages.ts';
import { type KeyPrefix, type Rangable, Range } from './range.ts';

/** A deletion: of the keys that it is told, none before that. */
export class DeleteBuilder extends DeferredCall<IDeleteRangeResponse> {
  readonly #kv: KV;
  readonly #prefix: KeyPrefix;
  #request: IDeleteRangeRequest = {};
  #options: CallOptions | undefined = undefined;

  /** @internal */
  constructor(kv: KV, prefix: KeyPrefix) {
    super();
    this.#kv = kv;
    this.#prefix = prefix;
  }

  /** One key. */
  key(value: string | Buffer): this {
    const { range_end: _none, ...rest } = this.#request;
    this.#request = { ...rest, key: toBuffer(value) };
    return this;
  }

  /** All keys that begin so. */
  prefix(value: string | Buffer): this {
    return this.range(Range.prefix(value));
  }

  /** The keys of a range. */
  range(range: Range): this {
    this.#request.key = range.start;
    this.#request.range_end = range.end;
    return this;
  }

  /** All keys of the namespace. */
  all(): this {
    return this.prefix('');
  }

  /** The keys of what stands for a range. */
  inRange(r: Rangable): this {
    return this.range(Range.from(r));
  }

  /** Sends it; resolves with what was deleted, by whole keys, as far as it was not compacted away. */
  async getPrevious(): Promise<IKeyValue[]> {
    this.#request.prev_kv = true;
    return (await this.exec()).prev_kvs;
  }

  /** Options of this call. */
  options(options: CallOptions | undefined): this {
    this.#options = options;
    return this;
  }

  /** Sends it. */
  exec(): Promise<IDeleteRangeResponse> {
    return this.#kv.deleteRange({ ...this.#prefix.apply(this.#request) }, this.#options);
  }

  /** The same as a step of a transaction. */
  op(): Promise<IRequestOp> {
    return Promise.resolve({ request_delete_range: this.#prefix.apply(this.#request) });
  }

  protected override send(): Promise<IDeleteRangeResponse> {
    return this.exec();
  }
}
