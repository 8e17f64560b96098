import {
  etcdErrors,
  grpcStatus,
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  WatchRequestSchema,
} from '@kvorum/api';
import type { GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';
import type { Store, WatchBatch, Watcher, WatchHub, WatchSink } from '@kvorum/mvcc';
import type { Access } from '../auth/access.ts';
import type { Clock } from '../clock.ts';
import { decodeMessage } from '../codec/message.ts';
import { ProtoWriter } from '../codec/proto-writer.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { MemberHeaders } from './headers.ts';
import { statusOf } from './method.ts';
import type { EndlessStream, OpenStreams } from './open-streams.ts';
import { FROM_FIRST_KEY, watchRefusal } from './watch-refusal.ts';

export interface WatchOptions {
  readonly store: Store;
  readonly hub: WatchHub;
  readonly headers: MemberHeaders;
  readonly clock: Clock;
  /** In [0, 1): spreads the progress notifications of many streams. */
  readonly random: () => number;
  readonly progressNotifyIntervalMs: number;
  /** A response at least this large is split for watchers that asked for fragments, in bytes. */
  readonly fragmentBytes: number;
  readonly metrics: Metrics;
  readonly streams: OpenStreams;
  readonly access: Access;
}

/** The watch id of responses that belong to no watcher. */
const NO_WATCH_ID = -1n;
/** Share of the interval that is added at random to a stream's progress notifications. */
const PROGRESS_JITTER = 0.1;
/** Go's names of the statuses that a refused caller gets. */
const DENIALS = new Map<number, string>([
  [grpcStatus.invalidArgument, 'InvalidArgument'],
  [grpcStatus.permissionDenied, 'PermissionDenied'],
  [grpcStatus.unauthenticated, 'Unauthenticated'],
]);

/** etcdserverpb.Watch: any number of watchers on one stream. */
export function watchMethod(options: WatchOptions): [string, GrpcMethod] {
  const open = (call: StreamCall) => new WatchStream(options, call);
  return ['/etcdserverpb.Watch/Watch', { kind: 'stream', open }];
}

/** One watcher of a stream, under the id that the client knows. */
interface StreamWatcher {
  readonly id: bigint;
  readonly watcher: Watcher;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  /** Events were sent since the last progress notification was due. */
  active: boolean;
}

const writer = new ProtoWriter(1024);

class WatchStream implements StreamReceiver, WatchSink, EndlessStream {
  readonly #options: WatchOptions;
  readonly #call: StreamCall;
  readonly #watchers = new Map<bigint, StreamWatcher>();
  readonly #byWatcher = new Map<Watcher, StreamWatcher>();
  #nextId = 0n;
  #closed = false;
  /** Requests aren't read while the answers to earlier ones wait. */
  #paused = false;
  #stopProgress: (() => void) | undefined;

  constructor(options: WatchOptions, call: StreamCall) {
    this.#options = options;
    this.#call = call;
    options.metrics.mvcc.watchStreams += 1;
    options.streams.add(this);
  }

  onMessage(message: Uint8Array): void {
    let request: ReturnType<typeof decodeWatchRequest>;
    try {
      request = decodeWatchRequest(message);
    } catch (error) {
      const { status, text } = statusOf(error, 'stream');
      this.#close();
      this.#call.end(status, text);
      return;
    }
    switch (request.case) {
      case 'createRequest':
        this.#create(request.value);
        break;
      case 'cancelRequest':
        this.#cancel(request.value.watchId);
        break;
      case 'progressRequest':
        this.#progress();
        break;
      default:
      // An empty request says nothing, and gets no answer.
    }
  }

  /** Watchers outlive the client's half of the stream: a one-shot request body is enough to watch for long. */
  onHalfClose(): void {}

  onDrain(): void {
    if (this.#paused) this.#call.resume();
    this.#paused = false;
    for (const { watcher } of this.#watchers.values()) watcher.resume();
  }

  onAbort(): void {
    this.#close();
  }

  onEvents(watcher: Watcher, batch: WatchBatch): boolean {
    const found = this.#byWatcher.get(watcher);
    if (found === undefined) return true;
    found.active = true;
    if (found.fragment && batch.body.length >= this.#options.fragmentBytes) {
      return this.#sendFragments(found, batch);
    }
    return this.#call.send([this.#eventsHead(found.id, batch.headerRevision, false), batch.body]);
  }

  onCompacted(watcher: Watcher, compactRevision: number): void {
    const found = this.#byWatcher.get(watcher);
    if (found === undefined) return;
    this.#forget(found);
    const body = this.#responseHead(found.id, 0).tag(0x20).uint(1).tag(0x28).uint(compactRevision);
    this.#call.send(body.take());
  }

  stop(): void {
    this.#close();
    const { status, text } = etcdErrors.stopped;
    this.#call.end(status, text);
  }

  #create(request: WatchCreateRequest): void {
    const { store, hub } = this.#options;
    const refusal = this.#denial(request) ?? watchRefusal(request, (id) => this.#watchers.has(id));
    if (refusal !== undefined) {
      const body = this.#responseHead(NO_WATCH_ID, store.revision).tag(0x18).uint(1);
      this.#answer(body.tag(0x20).uint(1).text(0x32, refusal).take());
      return;
    }
    const id = request.watchId === 0n ? this.#freeId() : request.watchId;
    // The answer goes first: events of the watcher may follow at once.
    this.#answer(this.#responseHead(id, store.revision).tag(0x18).uint(1).take());
    const watcher = hub.watch(
      {
        key: request.key.length === 0 ? FROM_FIRST_KEY : request.key,
        rangeEnd: request.rangeEnd,
        startRevision: Number(request.startRevision),
        prevKv: request.prevKv,
        noPut: request.filters.includes(WatchCreateRequest_FilterType.NOPUT),
        noDelete: request.filters.includes(WatchCreateRequest_FilterType.NODELETE),
      },
      this,
    );
    const { fragment, progressNotify } = request;
    const entry = { id, watcher, fragment, progressNotify, active: false };
    this.#watchers.set(id, entry);
    this.#byWatcher.set(watcher, entry);
    if (progressNotify) this.#startProgress();
  }

  /**
   * Why the caller may not watch these keys, as etcd's Go puts it. Asked once: a watcher lives on when the permission is
   * taken away. What is asked for is the range as the client gave it.
   */
  #denial({ key, rangeEnd }: WatchCreateRequest): string | undefined {
    const { access } = this.#options;
    if (!access.isEnabled) return undefined;
    try {
      const start = key.length === 0 ? FROM_FIRST_KEY : key;
      access.mustRead(access.callerOf(this.#call), start, rangeEnd);
      return undefined;
    } catch (error) {
      const { status, text } = statusOf(error, 'stream');
      return `rpc error: code = ${DENIALS.get(status) ?? status} desc = ${text}`;
    }
  }

  #freeId(): bigint {
    while (this.#watchers.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #cancel(id: bigint): void {
    const found = this.#watchers.get(id);
    if (found === undefined) return;
    this.#forget(found);
    const body = this.#responseHead(id, this.#options.store.revision).tag(0x20).uint(1);
    this.#answer(body.take());
  }

  /** Answers only when every watcher has seen everything: the revision is a promise. */
  #progress(): void {
    if (this.#watchers.size === 0) return;
    const { hub } = this.#options;
    const { revision } = hub;
    if (!hub.syncedAt(this.#byWatcher.keys(), revision)) return;
    this.#answer(this.#responseHead(NO_WATCH_ID, revision).take());
  }

  #startProgress(): void {
    if (this.#stopProgress !== undefined) return;
    const { clock, random, progressNotifyIntervalMs } = this.#options;
    const intervalMs = progressNotifyIntervalMs * (1 + random() * PROGRESS_JITTER);
    this.#stopProgress = clock.every(intervalMs, () => this.#notifyProgress());
  }

  #notifyProgress(): void {
    const { hub } = this.#options;
    const { revision } = hub;
    for (const entry of this.#watchers.values()) {
      if (entry.progressNotify && !entry.active && hub.syncedAt([entry.watcher], revision)) {
        this.#call.send(this.#responseHead(entry.id, revision).take());
      }
      entry.active = false;
    }
  }

  #sendFragments(entry: StreamWatcher, batch: WatchBatch): boolean {
    const parts = batch.split(this.#options.fragmentBytes);
    let more = true;
    for (let i = 0; i < parts.length; i++) {
      const head = this.#eventsHead(entry.id, batch.headerRevision, i < parts.length - 1);
      more = this.#call.send([head, parts[i] as Uint8Array]);
    }
    return more;
  }

  #eventsHead(id: bigint, revision: number, fragment: boolean): Uint8Array {
    const head = this.#responseHead(id, revision);
    if (fragment) head.tag(0x38).uint(1);
    return head.take();
  }

  /** The fields that open every response: header and watch id. A `revision` of 0 is left out. */
  #responseHead(id: bigint, revision: number): ProtoWriter {
    writer.raw(this.#options.headers.at(revision));
    if (id !== 0n) writer.tag(0x10).int64(id);
    return writer;
  }

  /** Sends what a request asked for; a client that doesn't read gets no more of its requests read. */
  #answer(response: Uint8Array): void {
    if (this.#call.send(response) || this.#paused) return;
    this.#paused = true;
    this.#call.pause();
  }

  #forget(entry: StreamWatcher): void {
    entry.watcher.cancel();
    this.#watchers.delete(entry.id);
    this.#byWatcher.delete(entry.watcher);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.metrics.mvcc.watchStreams -= 1;
    this.#options.streams.delete(this);
    this.#stopProgress?.();
    this.#stopProgress = undefined;
    for (const entry of [...this.#watchers.values()]) this.#forget(entry);
  }
}

function decodeWatchRequest(message: Uint8Array) {
  return decodeMessage(WatchRequestSchema, message).requestUnion;
}
