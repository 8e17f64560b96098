import type { Buffer } from 'node:buffer';
import type { CallOptions } from './call-options.ts';
import { DeferredCall } from './deferred-call.ts';
import { toBuffer } from './encoding.ts';
import type { KV } from './kv.ts';
import type {
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  SortOrder,
  SortTarget,
} from './messages.ts';
import { type KeyPrefix, type Rangable, Range } from './range.ts';
import { sortOrders, sortTargets } from './requests.ts';
import { assertWithin } from './words.ts';

/** What reads of one key and of several have in common. */
export abstract class RangeBuilder<T> extends DeferredCall<T> {
  /** @internal */
  protected readonly request: IRangeRequest = {};
  /** @internal */
  protected callOptions: CallOptions | undefined = undefined;
  readonly #kv: KV;
  /** @internal */
  protected readonly keyPrefix: KeyPrefix;

  /** @internal */
  constructor(kv: KV, prefix: KeyPrefix) {
    super();
    this.#kv = kv;
    this.keyPrefix = prefix;
  }

  /** The revision to read at. */
  revision(rev: number | string): this {
    this.request.revision = rev;
    return this;
  }

  /** What the member that is asked has, though it may be behind the others. */
  serializable(serializable: boolean): this {
    this.request.serializable = serializable;
    return this;
  }

  /** Only keys that were last written at this revision or later. */
  minModRevision(minModRevision: number | string): this {
    this.request.min_mod_revision = minModRevision;
    return this;
  }

  /** Only keys that were last written at this revision or before. */
  maxModRevision(maxModRevision: number | string): this {
    this.request.max_mod_revision = maxModRevision;
    return this;
  }

  /** Only keys that were created at this revision or later. */
  minCreateRevision(minCreateRevision: number | string): this {
    this.request.min_create_revision = minCreateRevision;
    return this;
  }

  /** Only keys that were created at this revision or before. */
  maxCreateRevision(maxCreateRevision: number | string): this {
    this.request.max_create_revision = maxCreateRevision;
    return this;
  }

  /** Options of this call. */
  options(options: CallOptions | undefined): this {
    this.callOptions = options;
    return this;
  }

  /** The same as a step of a transaction. */
  op(): Promise<IRequestOp> {
    return Promise.resolve({ request_range: this.keyPrefix.apply(this.request) });
  }

  /** Sends it; resolves with the whole response. */
  exec(): Promise<IRangeResponse> {
    // Copied, since the builder may be used again before the answer is there.
    return this.#kv.range({ ...this.keyPrefix.apply(this.request) }, this.callOptions);
  }
}

/** A read of one key. Awaited, it gives the value as text; keys of responses are whole, as in npm's etcd3. */
export class SingleRangeBuilder extends RangeBuilder<string | null> {
  /** @internal */
  constructor(kv: KV, prefix: KeyPrefix, key: string | Buffer) {
    super(kv, prefix);
    this.request.key = toBuffer(key);
    this.request.limit = 1;
  }

  /** The value, read as JSON; null when there is no such key. Rejects with `SyntaxError` for what is no JSON. */
  async json(): Promise<unknown> {
    const text = await this.string();
    return text === null ? null : JSON.parse(text);
  }

  /** The value as text; null when there is no such key. */
  async string(encoding: BufferEncoding = 'utf8'): Promise<string | null> {
    return (await this.buffer())?.toString(encoding) ?? null;
  }

  /** The value as a number, NaN for what is none; null when there is no such key. */
  async number(): Promise<number | null> {
    const text = await this.string();
    return text === null ? null : Number(text);
  }

  /** The value; null when there is no such key. */
  async buffer(): Promise<Buffer | null> {
    const { kvs } = await this.exec();
    return kvs[0]?.value ?? null;
  }

  /** Whether there is such a key. */
  async exists(): Promise<boolean> {
    this.request.keys_only = true;
    return (await this.exec()).count !== '0';
  }

  protected override send(): Promise<string | null> {
    return this.string();
  }
}

/** A read of several keys: all of them unless it is told which. Awaited, it gives values as text by their keys. */
export class MultiRangeBuilder extends RangeBuilder<{ [key: string]: string }> {
  /** @internal */
  constructor(kv: KV, prefix: KeyPrefix) {
    super(kv, prefix);
    this.all();
  }

  /** All keys that begin so. */
  prefix(value: string | Buffer): this {
    return this.inRange(Range.prefix(value));
  }

  /** The keys of a range. */
  inRange(r: Rangable): this {
    const { start, end } = Range.from(r);
    this.request.key = start;
    this.request.range_end = end;
    return this;
  }

  /** All keys. */
  all(): this {
    return this.prefix('');
  }

  /** So many keys at most; Infinity: all. */
  limit(count: number): this {
    this.request.limit = Number.isFinite(count) ? count : 0;
    return this;
  }

  /** How they are sorted. Throws for other words. */
  sort(target: SortTarget, order: SortOrder): this {
    assertWithin(sortTargets, target, 'sort target in client.getAll().sort(...)');
    assertWithin(sortOrders, order, 'sort order in client.getAll().sort(...)');
    this.request.sort_target = target;
    this.request.sort_order = order;
    return this;
  }

  /** Sends it; resolves with the whole response, whose keys are those of the namespace. */
  override async exec(): Promise<IRangeResponse> {
    const response = await super.exec();
    for (const kv of response.kvs) kv.key = this.keyPrefix.strip(kv.key);
    return response;
  }

  /** How many there are. */
  async count(): Promise<number> {
    this.request.count_only = true;
    return Number((await this.exec()).count);
  }

  /** The keys as text. */
  async keys(encoding: BufferEncoding = 'utf8'): Promise<string[]> {
    return (await this.keyBuffers()).map((key) => key.toString(encoding));
  }

  /** The keys. */
  async keyBuffers(): Promise<Buffer[]> {
    this.request.keys_only = true;
    return (await this.exec()).kvs.map(({ key }) => key);
  }

  /** Values, read as JSON, by their keys. Rejects with `SyntaxError` for what is no JSON. */
  json(): Promise<{ [key: string]: unknown }> {
    return this.#values((value) => JSON.parse(value.toString()) as unknown);
  }

  /** Values as text by their keys. */
  strings(encoding: BufferEncoding = 'utf8'): Promise<{ [key: string]: string }> {
    return this.#values((value) => value.toString(encoding));
  }

  /** Values as numbers by their keys; NaN for what is none. */
  numbers(): Promise<{ [key: string]: number }> {
    return this.#values((value) => Number(value.toString()));
  }

  /** Values by their keys. */
  buffers(): Promise<{ [key: string]: Buffer }> {
    return this.#values((value) => value);
  }

  protected override send(): Promise<{ [key: string]: string }> {
    return this.strings();
  }

  async #values<V>(read: (value: Buffer) => V): Promise<{ [key: string]: V }> {
    const { kvs } = await this.exec();
    // A key may be called __proto__.
    return Object.fromEntries(kvs.map(({ key, value }) => [key.toString(), read(value)]));
  }
}
