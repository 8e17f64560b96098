import type { Buffer } from 'node:buffer';
import type { CallOptions } from './call-options.ts';
import { DeferredCall } from './deferred-call.ts';
import { toBuffer } from './encoding.ts';
import type { KV } from './kv.ts';
import type {
  IKeyValue,
  IPutRequest,
  IPutResponse,
  IRequestOp,
  IResponseHeader,
} from './messages.ts';
import type { KeyPrefix } from './range.ts';

/** A write of one key. */
export class PutBuilder extends DeferredCall<IPutResponse> {
  readonly #kv: KV;
  readonly #prefix: KeyPrefix;
  readonly #request: IPutRequest;
  #lease: number | string | Promise<string | number> | undefined = undefined;
  #options: CallOptions | undefined = undefined;

  /** @internal */
  constructor(kv: KV, prefix: KeyPrefix, key: string | Buffer) {
    super();
    this.#kv = kv;
    this.#prefix = prefix;
    this.#request = { key: toBuffer(key) };
  }

  /** What to write; numbers as text. */
  value(value: string | Buffer | number): this {
    this.#request.value = toBuffer(value);
    return this;
  }

  /** The id of the lease that the key goes away with. For a lease of this client there is its own `put`. */
  lease(lease: number | string | Promise<string | number>): this {
    // It is awaited when the write is sent; meanwhile its failure is nobody's.
    if (typeof lease === 'object') lease.catch(() => undefined);
    this.#lease = lease;
    return this;
  }

  /** Leaves the key's lease as it is. */
  ignoreLease(): this {
    this.#request.ignore_lease = true;
    return this;
  }

  /** Options of this call. */
  options(options: CallOptions | undefined): this {
    this.#options = options;
    return this;
  }

  /** Sends it; resolves with what was there before, by its whole key, or with a header alone. */
  async getPrevious(): Promise<IKeyValue & { header: IResponseHeader }> {
    this.#request.prev_kv = true;
    const { header, prev_kv: previous } = await this.exec();
    // The type is that of npm's etcd3, which does not say that there may have been nothing.
    return { ...(previous as IKeyValue), header };
  }

  /** Writes the key again with the value it has. */
  touch(): Promise<IPutResponse> {
    delete this.#request.value;
    this.#request.ignore_value = true;
    return this.exec();
  }

  /** Sends it. */
  async exec(): Promise<IPutResponse> {
    return this.#kv.put(await this.#whole(), this.#options);
  }

  /** The same as a step of a transaction. */
  async op(): Promise<IRequestOp> {
    return { request_put: await this.#whole() };
  }

  protected override send(): Promise<IPutResponse> {
    return this.exec();
  }

  async #whole(): Promise<IPutRequest> {
    const request = { ...this.#prefix.apply(this.#request) };
    if (this.#lease !== undefined) request.lease = await this.#lease;
    return request;
  }
}
