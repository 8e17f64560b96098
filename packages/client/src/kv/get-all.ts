import type { CallOptions } from '../call-options.ts';
import { keyAfter } from '../encoding.ts';
import type { KeyValue } from '../key-value.ts';
import type { Keyspace, Span } from '../keyspace.ts';
import type { RpcClient } from '../rpc-client.ts';
import { type ReadOptions, type RevisionFilters, rangeMessage, readRange } from './range.ts';
import type { RangeAnswer } from './range-answer.ts';

/** Which of a range's keys are read, all at one revision and in the order of keys. */
export interface GetAllOptions extends ReadOptions, RevisionFilters, CallOptions {
  /** So many keys at most. Default: all of them. */
  readonly limit?: number;
  /** Without values. Default false. */
  readonly keysOnly?: boolean;
}

/** Keys of the first page: few, since their values may be large. */
const firstPageKeys = 128;
/** Keys of a page at most. */
const largestPageKeys = 16_384;
/** Bytes that a page should have: two of them are in memory at a time. */
const pageBytes = 1 << 20;
/** Pages grow by this factor at most, since the next values may be larger than the last ones. */
const growth = 8;

/**
 * Reads a range of any size in pages, all at the revision of the first one (or the one asked for), in memory for two:
 * the next page is on its way while the caller uses one.
 */
export class GetAll implements AsyncIterable<KeyValue> {
  readonly #rpc: RpcClient;
  readonly #keyspace: Keyspace;
  readonly #span: Span;
  readonly #options: GetAllOptions;

  /** For `Client.getAll`. */
  constructor(rpc: RpcClient, keyspace: Keyspace, span: Span, options: GetAllOptions) {
    this.#rpc = rpc;
    this.#keyspace = keyspace;
    this.#span = { key: span.key.slice(), rangeEnd: span.rangeEnd.slice() };
    this.#options = options;
  }

  /** Reads one key after the other; each iteration reads anew. Throws `ClientError`, see `Client.getAll`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<KeyValue, void, undefined> {
    for await (const page of this.pages()) yield* page.entries;
  }

  /** Reads all into memory. Rejects with `ClientError`. */
  async toArray(): Promise<KeyValue[]> {
    const all: KeyValue[] = [];
    for await (const { entries } of this.pages()) for (const entry of entries) all.push(entry);
    return all;
  }

  /** Reads what there is page by page; each page says at which revision. The last one may be empty. */
  async *pages(): AsyncGenerator<{
    readonly entries: readonly KeyValue[];
    readonly revision: bigint;
  }> {
    // A reader that leaves does not wait for the page that is on its way.
    const left = new AbortController();
    const { signal } = this.#options;
    const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
    try {
      const { limit: most = 0, revision: pinned = 0n } = this.#options;
      let remaining = most === 0 ? Number.POSITIVE_INFINITY : most;
      let size = Math.min(firstPageKeys, remaining);
      let page = await this.#read(this.#span.key, pinned, size, either);
      const revision = pinned === 0n ? page.revision : pinned;
      for (;;) {
        const { kvs } = page;
        const last = kvs.at(-1);
        remaining -= kvs.length;
        const hasMore = page.more && last !== undefined && remaining > 0;
        size = Math.min(nextPageKeys(page, size), remaining);
        const next = hasMore ? this.#read(keyAfter(last.key), revision, size, either) : undefined;
        // It is awaited only after the reader is done with this one.
        next?.catch(() => {});
        yield { entries: kvs.map((kv) => this.#keyspace.keyValue(kv)), revision };
        if (next === undefined) return;
        page = await next;
      }
    } finally {
      left.abort();
    }
  }

  async #read(
    key: Uint8Array,
    revision: bigint,
    limit: number,
    signal: AbortSignal,
  ): Promise<RangeAnswer> {
    const span = { key, rangeEnd: this.#span.rangeEnd };
    const message = rangeMessage(span, { ...this.#options, revision, limit });
    return await readRange(this.#rpc, message, { ...this.#options, signal });
  }
}

function nextPageKeys({ kvs }: RangeAnswer, size: number): number {
  let bytes = 1;
  for (const { key, value } of kvs) bytes += key.length + value.length;
  const fitting = Math.floor((pageBytes * Math.max(1, kvs.length)) / bytes);
  return Math.max(1, Math.min(fitting, size * growth, largestPageKeys));
}
