import { EtcdError, grpcStatus } from '@kvorum/api';
import type { CallInfo, GrpcMethod } from '@kvorum/h2';
import {
  decodeDeleteRange,
  decodePut,
  decodeRange,
  decodeTxn,
  type RangeRequest,
  type RequestOp,
} from '../codec/kv-requests.ts';
import { ProtoReader } from '../codec/proto-reader.ts';
import { type Backend, tokenOf } from './backend.ts';
import { answering } from './forward.ts';
import type { KeyTranslation } from './namespace.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';
import { type Interval, RangeCache, type RangeCacheOptions } from './range-cache.ts';

/** Requests that are longer are not looked up: their keys are no usual ones. */
const MAX_CACHED_REQUEST_BYTES = 4096;
/** How often a read that went back in time is sent to the next endpoint, for each of them. */
const ORDER_ATTEMPTS = 5;

const path = '/etcdserverpb.KV';

/** Who answers what the cache does not. */
export type KvBackend = Pick<Backend, 'unary' | 'header' | 'endpoints'>;

/** What the key-value service of a proxy is made of. */
export interface KvOptions {
  readonly backend: KvBackend;
  readonly metrics: ProxyMetrics;
  readonly translation: KeyTranslation;
  /** Serializable reads never show less than an earlier answer has. */
  readonly isOrdered: boolean;
  readonly cache: RangeCacheOptions;
}

/** etcdserverpb.KV: ranges of the latest revision are kept, and serializable ones answered from what is kept. */
export class ProxyKv {
  readonly #options: KvOptions;
  readonly #cache: RangeCache;
  /** Reads before it are gone, as a compaction through this proxy has told. */
  #compactRevision = 0;

  constructor(options: KvOptions) {
    this.#options = options;
    this.#cache = new RangeCache(options.cache);
  }

  methods(): [string, GrpcMethod][] {
    const { backend } = this.#options;
    return [
      [`${path}/Range`, answering((request, call) => this.#range(request, call))],
      [`${path}/Put`, answering((request, call) => this.#write(request, call, 'Put', putOf))],
      [
        `${path}/DeleteRange`,
        answering((request, call) => this.#write(request, call, 'DeleteRange', deletionOf)),
      ],
      [`${path}/Txn`, answering((request, call) => this.#txn(request, call))],
      [`${path}/Compact`, answering((request, call) => this.#compact(request, call, backend))],
      [`${path}/RangeStream`, refusedStream],
    ];
  }

  /** A watch of this proxy has told of a change. */
  changed(key: Uint8Array): void {
    this.#forget({ key: textOf(key), end: '' });
  }

  /** Who may read what has changed. */
  permissionsChanged(): void {
    this.#forget({ key: '', end: '\0' });
  }

  async #range(request: Uint8Array, call: CallInfo): Promise<Uint8Array> {
    const range = decodeRange(request);
    const { metrics } = this.#options;
    const id = cacheIdOf(range, request, call);
    if (range.serializable && id !== undefined) {
      const kept = this.#cache.get(id);
      if (kept !== undefined) {
        metrics.cacheHits += 1;
        return kept;
      }
    }
    if (range.serializable && range.revision > 0 && range.revision < this.#compactRevision) {
      metrics.cacheHits += 1;
      throw compacted;
    }
    if (range.serializable) metrics.cacheMisses += 1;
    const writesBefore = this.#cache.writes;
    const answer = await this.#ordered(range, request, call);
    if (id !== undefined) {
      this.#cache.add(id, intervalOf(range), answer, writesBefore);
      metrics.cacheKeys = this.#cache.size;
    }
    return answer;
  }

  async #ordered(range: RangeRequest, request: Uint8Array, call: CallInfo): Promise<Uint8Array> {
    const { backend, isOrdered, translation } = this.#options;
    const method = `${path}/Range`;
    const translated = translation.request(method, request);
    const isChecked = isOrdered && range.serializable;
    const attempts = isChecked ? ORDER_ATTEMPTS * Math.max(1, backend.endpoints.length) : 1;
    for (let attempt = 1; ; attempt++) {
      const newest = backend.header.revision;
      const answer = await backend.unary(method, translated, call);
      if (!isChecked || revisionOf(answer) >= newest) return translation.response(method, answer);
      if (attempt === attempts) throw outOfOrder;
    }
  }

  async #write(
    request: Uint8Array,
    call: CallInfo,
    name: string,
    changes: (request: Uint8Array) => readonly Interval[],
  ): Promise<Uint8Array> {
    const { backend, translation } = this.#options;
    const changed = changes(request);
    const method = `${path}/${name}`;
    try {
      const translated = translation.request(method, request);
      return translation.response(method, await backend.unary(method, translated, call));
    } finally {
      // Also after a failure: it may have been done.
      for (const interval of changed) this.#forget(interval);
    }
  }

  #txn(request: Uint8Array, call: CallInfo): Promise<Uint8Array> {
    return this.#write(request, call, 'Txn', (bytes) => {
      const { success, failure } = decodeTxn(bytes);
      return [...success, ...failure].flatMap(changesOf);
    });
  }

  async #compact(request: Uint8Array, call: CallInfo, backend: KvBackend): Promise<Uint8Array> {
    const answer = await backend.unary(`${path}/Compact`, request, call, { isBlocking: true });
    const reader = new ProtoReader(request);
    for (let field = reader.next(); field !== 0; field = reader.next()) {
      if (field === 1)
        this.#compactRevision = Math.max(this.#compactRevision, reader.int64Number());
      else reader.skip();
    }
    return answer;
  }

  #forget(interval: Interval): void {
    this.#cache.invalidate(interval);
    this.#options.metrics.cacheKeys = this.#cache.size;
  }
}

const compacted = new EtcdError('compacted');

const outOfOrder = new EtcdError(
  'unmapped',
  grpcStatus.unknown,
  'etcdclient: no cluster members have a revision higher than the previously received revision',
);

const refusedStream: GrpcMethod = {
  kind: 'stream',
  open: (call) => ({
    onMessage: () => {
      call.end(grpcStatus.unimplemented, 'RangeStream is not supported by the gRPC proxy');
    },
    onHalfClose: () => {},
    onAbort: () => {},
  }),
};

/** Under what the answer to a range is kept; undefined where it is not. Who may read what is the members' business. */
function cacheIdOf(range: RangeRequest, request: Uint8Array, call: CallInfo): string | undefined {
  // At an older revision nothing changes but that it's compacted away.
  if (range.revision > 0 || request.length > MAX_CACHED_REQUEST_BYTES) return undefined;
  const { limit, sortOrder, sortTarget, keysOnly, countOnly } = range;
  const bounds = [range.minModRevision, range.maxModRevision, range.minCreateRevision];
  const options = [limit, sortOrder, sortTarget, keysOnly, countOnly, ...bounds];
  const key = textOf(range.key);
  const head = `${tokenOf(call) ?? ''}\n${options.join()},${range.maxCreateRevision}`;
  return `${head}\n${key.length}\n${key}${textOf(range.rangeEnd)}`;
}

function intervalOf({ key, rangeEnd }: { key: Uint8Array; rangeEnd: Uint8Array }): Interval {
  return { key: textOf(key), end: textOf(rangeEnd) };
}

function putOf(request: Uint8Array): readonly Interval[] {
  return [{ key: textOf(decodePut(request).key), end: '' }];
}

function deletionOf(request: Uint8Array): readonly Interval[] {
  return [intervalOf(decodeDeleteRange(request))];
}

function changesOf(op: RequestOp): readonly Interval[] {
  switch (op?.kind) {
    case 'put':
      return [{ key: textOf(op.key), end: '' }];
    case 'deleteRange':
      return [intervalOf(op)];
    case 'txn':
      return [...op.success, ...op.failure].flatMap(changesOf);
    default:
      return [];
  }
}

function revisionOf(answer: Uint8Array): number {
  const reader = new ProtoReader(answer);
  if (reader.next() !== 1) return 0;
  const header = reader.message();
  for (let field = header.next(); field !== 0; field = header.next()) {
    if (field === 3) return header.int64Number();
    header.skip();
  }
  return 0;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
