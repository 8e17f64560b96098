import type { Cache, CacheOptions } from './cache/cache.ts';
import { openCache } from './cache/open-cache.ts';
import type { CallOptions } from './call-options.ts';
import { Auth } from './cluster/auth.ts';
import type { Maintenance } from './cluster/maintenance.ts';
import type { Members } from './cluster/members.ts';
import type { Bytes } from './encoding.ts';
import type { KeyValue } from './key-value.ts';
import type { Keys, Keyspace } from './keyspace.ts';
import { GetAll, type GetAllOptions } from './kv/get-all.ts';
import {
  type RangeOptions,
  type RangeResult,
  type ReadOptions,
  rangeMessage,
  rangeResult,
  readRange,
} from './kv/range.ts';
import { ClientTransaction, type Ops, type Transaction, type TxnResult } from './kv/transaction.ts';
import {
  type DeleteOptions,
  type DeleteResult,
  deleteMessage,
  deleteResult,
  type PutOptions,
  type PutResult,
  putMessage,
  putResult,
} from './kv/write.ts';
import type { Lease } from './lease/lease.ts';
import type { LeaseOptions, Leases } from './lease/leases.ts';
import type { RpcClient } from './rpc-client.ts';
import type { Timers } from './timers.ts';
import { openSource } from './watch/open-source.ts';
import { limitOpening, Watch, type WatchOptions } from './watch/watch.ts';
import type { WatchHub } from './watch/watch-hub.ts';

/** What a client and those of its namespaces share. */
export interface ClientParts {
  readonly rpc: RpcClient;
  readonly leases: Leases;
  readonly watches: WatchHub;
  readonly members: Members;
  readonly maintenance: Maintenance;
  readonly timers: Timers;
}

/**
 * A client of a cluster of Kvorum or etcd. It connects when the first call wants it. Every call takes `timeoutMs`
 * (default: the client's) and `signal`, and rejects with `ClientError`.
 */
export class Client implements AsyncDisposable {
  readonly #parts: ClientParts;
  readonly #keyspace: Keyspace;

  /** For `connect` and its kin. */
  constructor(parts: ClientParts, keyspace: Keyspace) {
    this.#parts = parts;
    this.#keyspace = keyspace;
  }

  /** The services as they are on the wire, for what this client has no words for. They know no namespaces. */
  get rpc(): RpcClient {
    return this.#parts.rpc;
  }

  /** The clock that it runs by, for what is built on it. */
  get timers(): Timers {
    return this.#parts.timers;
  }

  /** Leases by their ids. */
  get leases(): Leases {
    return this.#parts.leases;
  }

  /** The members of the cluster. */
  get members(): Members {
    return this.#parts.members;
  }

  /** Upkeep of the cluster and its members. */
  get maintenance(): Maintenance {
    return this.#parts.maintenance;
  }

  /** Users, roles and permissions; permissions for keys of this namespace. */
  get auth(): Auth {
    return new Auth(this.rpc, this.#keyspace);
  }

  /** Reads one key; undefined when there is none. */
  async get(key: Bytes, options: ReadOptions & CallOptions = {}): Promise<KeyValue | undefined> {
    const span = { key: this.#keyspace.key(key), rangeEnd: new Uint8Array(0) };
    const { kvs } = await readRange(this.rpc, rangeMessage(span, options), options);
    const [kv] = kvs;
    return kv === undefined ? undefined : this.#keyspace.keyValue(kv);
  }

  /** Reads several keys in one answer: as many as fit into memory, here and there. For more there is `getAll`. */
  async range(keys: Keys, options: RangeOptions & CallOptions = {}): Promise<RangeResult> {
    const message = rangeMessage(this.#keyspace.span(keys), options);
    const answer = await readRange(this.rpc, message, options);
    return rangeResult(answer, this.#keyspace, answer.revision);
  }

  /**
   * Reads any number of keys, page by page while the caller takes them, all at one revision. Throws `ClientError` to
   * the reader: "compacted" when that revision was compacted meanwhile.
   */
  getAll(keys: Keys, options: GetAllOptions = {}): GetAll {
    return new GetAll(this.rpc, this.#keyspace, this.#keyspace.span(keys), options);
  }

  /** Counts keys without reading them. */
  async count(keys: Keys, options: ReadOptions & CallOptions = {}): Promise<number> {
    const message = rangeMessage(this.#keyspace.span(keys), options);
    const { count } = await readRange(this.rpc, { ...message, countOnly: true }, options);
    return count;
  }

  /**
   * Writes one key. When no answer came the error says by `mayHaveApplied` whether it may have been done; it is sent
   * again only when it certainly was not.
   */
  async put(key: Bytes, value: Bytes, options: PutOptions & CallOptions = {}): Promise<PutResult> {
    const message = putMessage(this.#keyspace, key, value, options);
    return putResult(await this.rpc.kv.put(message, options), this.#keyspace);
  }

  /** Deletes one key, or several; as for `put` when no answer came. */
  async delete(keys: Keys, options: DeleteOptions & CallOptions = {}): Promise<DeleteResult> {
    const message = deleteMessage(this.#keyspace, keys, options);
    return deleteResult(await this.rpc.kv.deleteRange(message, options), this.#keyspace);
  }

  /**
   * Forgets what was superseded before a revision: nothing can be read or watched from before it any more. With
   * `physical` it resolves when it is done on the member that was asked. Rejects with "compacted" when that has happened.
   */
  async compact(
    revision: bigint,
    options: CallOptions & { readonly physical?: boolean } = {},
  ): Promise<void> {
    await this.rpc.kv.compact({ revision, physical: options.physical ?? false }, options);
  }

  /**
   * A transaction, sent by `commit`:
   * `client.txn().if(compare.missing('a')).then(op.put('a', '1')).else(op.get('a')).commit()`.
   */
  txn(): ClientTransaction<readonly [], readonly []> {
    return new ClientTransaction((txn, options) => this.#commit(txn, options), [], [], []);
  }

  /**
   * Grants a lease and keeps it alive until it is revoked, which leaving its `await using` does. `ttlSeconds` is how
   * long it outlives this process; the server may give more.
   */
  lease(ttlSeconds: number, options: LeaseOptions & CallOptions = {}): Promise<Lease> {
    return this.leases.grant(ttlSeconds, options);
  }

  /**
   * Watches one key, or several, from when the server hears of it unless told otherwise; see `Watch`. It begins at
   * once, whether anybody reads or not.
   */
  watch(keys: Keys, options: WatchOptions = {}): Watch {
    const { rpc, watches, timers } = this.#parts;
    const span = this.#keyspace.span(keys);
    const source = openSource({ rpc, watches, timers, keyspace: this.#keyspace, span, options });
    limitOpening(source, timers, options.timeoutMs ?? rpc.timeoutMs, () => watches.lastError);
    return new Watch(source, options.signal);
  }

  /**
   * Keeps a copy of a range, which follows the store, for local reads and for those who want to hear of changes; see
   * `Cache`. All of it is in memory: per key its bytes, its value's, and some 900 bytes.
   */
  cache(keys: Keys, options: CacheOptions = {}): Cache {
    return openCache(this.#parts, this.#keyspace, keys, options);
  }

  /**
   * A client that sees the keys below a prefix, without it, and no others. It shares all else with this one, and is
   * closed with it.
   */
  namespace(prefix: Bytes): Client {
    return new Client(this.#parts, this.#keyspace.below(prefix));
  }

  /** Ends all calls, watches and connections. Leases that are held run out by themselves. */
  close(): void {
    this.#parts.watches.close();
    this.leases.close();
    this.rpc.close();
  }

  /** Revokes the leases that are held, then closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.leases[Symbol.asyncDispose]();
    this.close();
  }

  async #commit<T extends Ops, E extends Ops>(
    transaction: Transaction<T, E>,
    options: CallOptions,
  ): Promise<TxnResult<T, E>> {
    const isRepeatable = options.isRepeatable ?? transaction.isReadOnly;
    const request = transaction.toRequest(this.#keyspace);
    const answer = await this.rpc.kv.txn(request, { ...options, isRepeatable });
    return transaction.readResponse(answer, this.#keyspace, answer.header?.revision ?? 0n);
  }
}
