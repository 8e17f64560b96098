import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type EventSchema,
  Event_EventType as EventType,
  etcdErrors,
  WatchCreateRequest_FilterType as FilterType,
  type KeyValueSchema,
  type RangeRequest,
  RangeRequestSchema,
  RangeResponseSchema,
  type TxnRequest,
  TxnRequestSchema,
  TxnResponseSchema,
  type WatchCreateRequest,
  WatchRequestSchema,
  WatchResponseSchema,
} from '@kvorum/api';
import { CallFailure } from '../channel.ts';
import { asMapKey, fromUtf8, toBytes } from '../encoding.ts';
import { MemoryCluster } from './memory-cluster.ts';
import type { MemoryStream } from './memory-stream.ts';

type EventInit = MessageInitShape<typeof EventSchema>;
type KeyValueInit = MessageInitShape<typeof KeyValueSchema> & {
  readonly key: Uint8Array;
  readonly modRevision: bigint;
};

interface StoredEvent {
  readonly revision: bigint;
  readonly event: EventInit;
  readonly kv: KeyValueInit;
  readonly isDelete: boolean;
}

interface StoreWatcher {
  readonly request: WatchCreateRequest;
  readonly stream: MemoryStream;
  readonly id: bigint;
  /** The first revision that it was not sent. */
  next: bigint;
}

/** Members in memory that keep revisions of keys, and serve ranges and watches of them as etcd does. */
export class MemoryStore extends MemoryCluster {
  revision = 1n;
  /** The oldest revision that can be read. */
  compactRevision = 0n;
  /** Events of one response at most; more are sent as fragments. */
  fragmentEvents = 1000;
  /** Takes everything and answers nothing. A connection that has lost anything to it stays dead. */
  isSilent = false;
  /** Answers no request for progress, as while a watch is behind. */
  hasNoProgress = false;
  /** Chooses the ids of watches by itself. */
  choosesIds = false;
  /** Refuses watches with this text. */
  refusal: string | undefined = undefined;
  readonly #dead = new WeakSet<MemoryStream>();
  #lastChosenId = 100n;
  #history: StoredEvent[] = [];
  #watchers: StoreWatcher[] = [];

  constructor() {
    super();
    this.onRequest = (stream, message) => this.#onRequest(stream, message);
    this.handle = (path, request) => {
      if (path.endsWith('/Txn')) return this.#commit(fromBinary(TxnRequestSchema, request));
      return path.endsWith('/Range')
        ? this.#range(fromBinary(RangeRequestSchema, request))
        : undefined;
    };
  }

  /** How many watches there are, on streams that are open. */
  get watchCount(): number {
    return this.#watchers.filter(({ stream }) => stream.isOpen).length;
  }

  put(key: string, value: string): void {
    this.txn([[key, value]]);
  }

  delete(key: string): void {
    this.txn([[key, undefined]]);
  }

  /** Writes several keys in one revision; undefined deletes. */
  txn(changes: readonly (readonly [string, string | undefined])[]): void {
    const before = this.state();
    // As in etcd, deleting what is not there is no event, and no revision.
    if (changes.every(([name, value]) => value === undefined && !before.has(name))) return;
    this.revision += 1n;
    const { revision } = this;
    for (const [name, value] of changes) {
      const isDelete = value === undefined;
      const kv = { key: toBytes(name), modRevision: revision, value: toBytes(value ?? '') };
      const event = { type: isDelete ? EventType.DELETE : EventType.PUT, kv };
      this.#history.push({ revision, event, kv, isDelete });
    }
    for (const watcher of this.#watchers) this.#deliver(watcher);
  }

  compact(revision: bigint): void {
    this.compactRevision = revision;
  }

  /** All that has happened, by revisions, as `textOf` says it. */
  batches(): { revision: bigint; events: string[] }[] {
    const batches: { revision: bigint; events: string[] }[] = [];
    for (const { revision, kv, isDelete } of this.#history) {
      if (batches.at(-1)?.revision !== revision) batches.push({ revision, events: [] });
      const entry = { key: kv.key, value: kv.value ?? new Uint8Array(0) };
      batches.at(-1)?.events.push(textOf({ type: isDelete ? 'delete' : 'put', entry }));
    }
    return batches;
  }

  /** What there is now, or was at a revision. */
  state(at = this.revision): Map<string, string> {
    const state = new Map<string, string>();
    for (const { revision, kv, isDelete } of this.#history) {
      if (revision > at) break;
      const key = fromUtf8(kv.key);
      if (isDelete) state.delete(key);
      else state.set(key, fromUtf8(kv.value ?? new Uint8Array(0)));
    }
    return state;
  }

  /** Goes on as it was at an earlier revision, as a store that was restored from a backup; breaks all streams. */
  restore(revision: bigint): void {
    this.#history = this.#history.filter((stored) => stored.revision <= revision);
    this.revision = revision;
    this.loseStreams();
  }

  /** Breaks all streams. */
  loseStreams(): void {
    for (const stream of this.streams) stream.lose();
  }

  #onRequest(stream: MemoryStream, message: Uint8Array): void {
    if (this.#isLost(stream)) return;
    const { requestUnion } = fromBinary(WatchRequestSchema, message);
    this.#watchers = this.#watchers.filter((one) => one.stream.isOpen);
    const header = { revision: this.revision };
    if (requestUnion.case === 'createRequest') this.#create(stream, requestUnion.value);
    if (requestUnion.case === 'cancelRequest') {
      const { watchId } = requestUnion.value;
      this.#watchers = this.#watchers.filter((one) => one.stream !== stream || one.id !== watchId);
      stream.answer(WatchResponseSchema, { header, watchId, canceled: true });
    }
    if (requestUnion.case === 'progressRequest' && !this.hasNoProgress) {
      stream.answer(WatchResponseSchema, { header, watchId: -1n });
    }
  }

  /** Whether what is sent either way now does not arrive. */
  #isLost(stream: MemoryStream): boolean {
    if (this.isSilent) this.#dead.add(stream);
    return this.#dead.has(stream);
  }

  #create(stream: MemoryStream, request: WatchCreateRequest): void {
    const header = { revision: this.revision };
    if (this.refusal !== undefined) {
      const cancelReason = this.refusal;
      const message = { header, watchId: -1n, created: true, canceled: true, cancelReason };
      stream.answer(WatchResponseSchema, message);
      return;
    }
    if (this.choosesIds) this.#lastChosenId += 1n;
    const id = this.choosesIds ? this.#lastChosenId : request.watchId;
    const next = request.startRevision === 0n ? this.revision + 1n : request.startRevision;
    const watcher = { request, stream, id, next };
    stream.answer(WatchResponseSchema, { header, watchId: id, created: true });
    if (next < this.compactRevision) {
      const { compactRevision } = this;
      stream.answer(WatchResponseSchema, { watchId: id, canceled: true, compactRevision });
      return;
    }
    this.#watchers.push(watcher);
    this.#deliver(watcher);
  }

  #deliver(watcher: StoreWatcher): void {
    const { request, stream, id } = watcher;
    if (!stream.isOpen || this.#isLost(stream)) return;
    const events = this.#history.filter(({ revision, kv, isDelete }) => {
      const filter = isDelete ? FilterType.NODELETE : FilterType.NOPUT;
      const isWanted = revision >= watcher.next && isWithin(kv.key, request);
      return isWanted && !request.filters.includes(filter);
    });
    watcher.next = this.revision + 1n > watcher.next ? this.revision + 1n : watcher.next;
    const header = { revision: this.revision };
    for (let at = 0; at < events.length; at += this.fragmentEvents) {
      const part = events.slice(at, at + this.fragmentEvents);
      stream.answer(WatchResponseSchema, {
        header,
        watchId: id,
        fragment: at + this.fragmentEvents < events.length,
        events: part.map(({ event }) => event),
      });
    }
  }

  /** Does what a transaction without conditions does to single keys. */
  #commit({ success }: TxnRequest): Uint8Array {
    const changes = success.map(({ request }) => {
      const text = request.case === 'requestPut' ? fromUtf8(request.value.value) : undefined;
      const key = request.value !== undefined && 'key' in request.value && request.value.key;
      return [fromUtf8(key || new Uint8Array(0)), text] as const;
    });
    this.txn(changes);
    const header = { revision: this.revision };
    const responses = success.map(({ request }) =>
      request.case === 'requestPut'
        ? ({ response: { case: 'responsePut', value: {} } } as const)
        : ({ response: { case: 'responseDeleteRange', value: {} } } as const),
    );
    const message = { header, succeeded: true, responses };
    return toBinary(TxnResponseSchema, create(TxnResponseSchema, message));
  }

  #range(request: RangeRequest): Uint8Array {
    const at = request.revision === 0n ? this.revision : request.revision;
    if (at < this.compactRevision) {
      throw new CallFailure(etcdErrors.compacted.status, etcdErrors.compacted.text, false);
    }
    const latest = new Map<string, StoredEvent>();
    for (const stored of this.#history) {
      if (stored.revision <= at && isWithin(stored.kv.key, request)) {
        latest.set(asMapKey(stored.kv.key), stored);
      }
    }
    const found = [...latest.values()]
      .filter(({ isDelete }) => !isDelete)
      .sort((a, b) => (asMapKey(a.kv.key) < asMapKey(b.kv.key) ? -1 : 1));
    const limit = request.limit === 0n ? found.length : Number(request.limit);
    const message = {
      header: { revision: this.revision },
      kvs: found.slice(0, limit).map(({ kv }) => kv),
      more: found.length > limit,
      count: BigInt(found.length),
    };
    return toBinary(RangeResponseSchema, create(RangeResponseSchema, message));
  }
}

function isWithin(
  key: Uint8Array,
  range: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array },
): boolean {
  const name = asMapKey(key);
  const [start, end] = [asMapKey(range.key), asMapKey(range.rangeEnd)];
  if (end === '') return name === start;
  return name >= start && (end === '\0' || name < end);
}

/** What an event says, as short text. */
export function textOf(event: {
  readonly type: 'put' | 'delete';
  readonly entry: { readonly key: Uint8Array; readonly value: Uint8Array };
}): string {
  const { key, value } = event.entry;
  return event.type === 'put' ? `${fromUtf8(key)}=${fromUtf8(value)}` : `-${fromUtf8(key)}`;
}
