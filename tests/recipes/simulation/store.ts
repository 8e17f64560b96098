import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Compare,
  Compare_CompareResult as CompareResult,
  type DeleteRangeRequest,
  Event_EventType as EventType,
  WatchCreateRequest_FilterType as FilterType,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type ResponseOpSchema,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  type TxnRequest,
  type WatchCreateRequest,
  type WatchResponseSchema,
} from '@kvorum/api';
import type { World } from './world.ts';

interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly version: bigint;
  readonly lease: bigint;
}

interface StoredEvent {
  readonly isDelete: boolean;
  readonly entry: Entry;
}

interface Watcher {
  readonly request: WatchCreateRequest;
  readonly send: (answer: MessageInitShape<typeof WatchResponseSchema>) => void;
  readonly id: bigint;
}

type Span = { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };
type ResponseOpInit = MessageInitShape<typeof ResponseOpSchema>;

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

/** The naive store: what recipes need of etcd. Leases end to the millisecond when their time is over: no mercy. */
export class SimStore {
  revision = 1n;
  /** Told of every write. */
  onPut: (key: string, value: Uint8Array) => void = () => {};
  readonly #world: World;
  readonly #entries = new Map<string, Entry>();
  readonly #history: StoredEvent[] = [];
  readonly #leases = new Map<bigint, { readonly ttlMs: number; expiresAt: number }>();
  #watchers: Watcher[] = [];
  #lastLease = 0n;
  /** Events of the transaction that is carried out. */
  #events: StoredEvent[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  grant(ttlSeconds: bigint): bigint {
    this.#lastLease += 1n;
    const id = this.#lastLease;
    const ttlMs = Number(ttlSeconds) * 1000;
    this.#leases.set(id, { ttlMs, expiresAt: this.#world.nowMs + ttlMs });
    this.#expireLater(id, ttlMs);
    return id;
  }

  /** Whole seconds that it has now; 0n when there is no such lease. */
  renew(id: bigint): bigint {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0n;
    lease.expiresAt = this.#world.nowMs + lease.ttlMs;
    return BigInt(lease.ttlMs / 1000);
  }

  revoke(id: bigint): boolean {
    if (!this.#leases.delete(id)) return false;
    const keys = [...this.#entries.values()].filter(({ lease }) => lease === id);
    this.#write(() => {
      for (const { key } of keys) this.#remove(key);
      return {};
    });
    return true;
  }

  hasLease(id: bigint): boolean {
    return id === 0n || this.#leases.has(id);
  }

  range(request: RangeRequest) {
    const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
    const all = this.#within(request);
    const found = all.filter(
      (entry) =>
        (minModRevision === 0n || entry.modRevision >= minModRevision) &&
        (maxModRevision === 0n || entry.modRevision <= maxModRevision) &&
        (minCreateRevision === 0n || entry.createRevision >= minCreateRevision) &&
        (maxCreateRevision === 0n || entry.createRevision <= maxCreateRevision),
    );
    if (request.sortTarget === SortTarget.CREATE) {
      found.sort((a, b) => Number(a.createRevision - b.createRevision));
    }
    if (request.sortOrder === SortOrder.DESCEND) found.reverse();
    const limit = request.limit === 0n ? found.length : Number(request.limit);
    return {
      header: { revision: this.revision },
      kvs: found.slice(0, limit).map((entry) => ({ ...entry, key: bytesOf(entry.key) })),
      more: found.length > limit,
      count: BigInt(all.length),
    };
  }

  put(request: PutRequest) {
    return this.#write(() => this.#put(request));
  }

  delete(request: DeleteRangeRequest) {
    return this.#write(() => this.#delete(request));
  }

  txn(request: TxnRequest) {
    return this.#write(() => {
      const succeeded = request.compare.every((one) => this.#holds(one));
      const steps = succeeded ? request.success : request.failure;
      const responses = steps.map((step) => this.#step(step));
      return { succeeded, responses };
    });
  }

  watch(request: WatchCreateRequest, id: bigint, send: Watcher['send']): () => void {
    const watcher = { request, send, id };
    this.#watchers.push(watcher);
    send({ header: { revision: this.revision }, watchId: id, created: true });
    const { startRevision } = request;
    if (startRevision > 0n) this.#deliver(watcher, this.#history, startRevision);
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== watcher);
    };
  }

  #expireLater(id: bigint, delayMs: number): void {
    this.#world.after(delayMs, () => {
      const lease = this.#leases.get(id);
      if (lease === undefined) return;
      const leftMs = lease.expiresAt - this.#world.nowMs;
      if (leftMs > 0) this.#expireLater(id, leftMs);
      else this.revoke(id);
    });
  }

  /** What is written in `body` gets one revision, and its watchers hear of it. */
  #write<T extends object>(body: () => T): T & { header: { revision: bigint } } {
    this.#events = [];
    const answer = body();
    const events = this.#events;
    if (events.length > 0) {
      this.revision += 1n;
      this.#history.push(...events);
      for (const watcher of [...this.#watchers]) this.#deliver(watcher, events, 0n);
    }
    const header = { revision: this.revision };
    return Object.assign(answer, { header });
  }

  #deliver({ request, send, id }: Watcher, events: readonly StoredEvent[], from: bigint): void {
    const wanted = events.filter(({ isDelete, entry }) => {
      const filter = isDelete ? FilterType.NODELETE : FilterType.NOPUT;
      const isNew = entry.modRevision >= from && entry.modRevision >= request.startRevision;
      return isNew && isWithin(entry.key, request) && !request.filters.includes(filter);
    });
    if (wanted.length === 0) return;
    send({
      header: { revision: this.revision },
      watchId: id,
      events: wanted.map(({ isDelete, entry }) => ({
        type: isDelete ? EventType.DELETE : EventType.PUT,
        kv: { ...entry, key: bytesOf(entry.key) },
      })),
    });
  }

  #step({ request }: RequestOp): ResponseOpInit {
    switch (request.case) {
      case 'requestRange':
        return { response: { case: 'responseRange', value: this.range(request.value) } };
      case 'requestPut':
        return { response: { case: 'responsePut', value: this.#put(request.value) } };
      case 'requestDeleteRange':
        return { response: { case: 'responseDeleteRange', value: this.#delete(request.value) } };
      default:
        throw new Error(`the naive store knows no ${request.case ?? 'nothing'}`);
    }
  }

  #put({ key, value, lease }: PutRequest) {
    const name = textOf(key);
    const before = this.#entries.get(name);
    const modRevision = this.revision + 1n;
    const createRevision = before?.createRevision ?? modRevision;
    const version = (before?.version ?? 0n) + 1n;
    const entry = { key: name, value, createRevision, modRevision, version, lease };
    this.#entries.set(name, entry);
    this.#events.push({ isDelete: false, entry });
    this.onPut(name, value);
    return {};
  }

  #delete(request: DeleteRangeRequest) {
    const found = this.#within(request);
    for (const { key } of found) this.#remove(key);
    return { deleted: BigInt(found.length) };
  }

  #remove(key: string): void {
    this.#entries.delete(key);
    const none = { createRevision: 0n, version: 0n, lease: 0n, value: new Uint8Array(0) };
    this.#events.push({ isDelete: true, entry: { key, ...none, modRevision: this.revision + 1n } });
  }

  #holds(compare: Compare): boolean {
    const found = this.#within(compare);
    const { case: target, value: wanted } = compare.targetUnion;
    if (target !== 'createRevision' && target !== 'modRevision') {
      throw new Error(`the naive store compares no ${target ?? 'nothing'}`);
    }
    const values = found.length === 0 ? [0n] : found.map((entry) => entry[target]);
    return values.every((value) => {
      if (compare.result === CompareResult.EQUAL) return value === wanted;
      if (compare.result === CompareResult.NOT_EQUAL) return value !== wanted;
      return compare.result === CompareResult.LESS ? value < wanted : value > wanted;
    });
  }

  #within(span: Span): Entry[] {
    return [...this.#entries.values()]
      .filter(({ key }) => isWithin(key, span))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

function isWithin(name: string, span: Span): boolean {
  const [start, end] = [textOf(span.key), textOf(span.rangeEnd)];
  if (end === '') return name === start;
  return name >= start && (end === '\0' || name < end);
}
