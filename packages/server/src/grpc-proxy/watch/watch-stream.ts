import { create, toBinary } from '@bufbuild/protobuf';
import {
  etcdErrors,
  grpcStatus,
  RangeRequestSchema,
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  WatchRequestSchema,
} from '@kvorum/api';
import { ClientError } from '@kvorum/client';
import type { GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';
import { decodeMessage } from '../../codec/message.ts';
import { ProtoWriter } from '../../codec/proto-writer.ts';
import { statusOf } from '../../rpc/method.ts';
import type { EndlessStream, OpenStreams } from '../../rpc/open-streams.ts';
import { FROM_FIRST_KEY, watchRefusal } from '../../rpc/watch-refusal.ts';
import { type Backend, endOf, tokenOf } from '../backend.ts';
import type { EventBatch } from './event-batch.ts';
import type { LeaderWatch, NeedsLeader } from './leader-watch.ts';
import { ProxyWatcher } from './proxy-watcher.ts';
import type { SharedWatches } from './shared-watches.ts';

/** What the watch service of a proxy is made of. */
export interface ProxyWatchOptions {
  readonly backend: Backend;
  readonly watches: SharedWatches;
  readonly streams: OpenStreams;
  readonly leader: LeaderWatch;
  /** A response at least this large is split for watchers that asked for fragments, in bytes. */
  readonly fragmentBytes: number;
}

/** The watch id of responses that belong to no watcher. */
const NO_WATCH_ID = -1n;
/** Requests of a stream that may wait while the members can't be reached; then no more are read. */
const MAX_UNANSWERED = 1000;
/** Go's names of the statuses that watchers are refused with. */
const statusNames = new Map<number, string>(
  Object.entries(grpcStatus).map(([name, status]) => [
    status,
    name.charAt(0).toUpperCase() + name.slice(1),
  ]),
);

const writer = new ProtoWriter(1024);

/** etcdserverpb.Watch: any number of watchers on one stream; those of one range share a watch at the members. */
export function proxyWatchMethod(options: ProxyWatchOptions): [string, GrpcMethod] {
  const open = (call: StreamCall) => new ProxyWatchStream(options, call);
  return ['/etcdserverpb.Watch/Watch', { kind: 'stream', open }];
}

/** The watchers of one client's stream. */
class ProxyWatchStream implements StreamReceiver, EndlessStream, NeedsLeader {
  readonly #options: ProxyWatchOptions;
  readonly #call: StreamCall;
  readonly #token: string | undefined;
  readonly #watchers = new Map<bigint, ProxyWatcher>();
  /** Requests are answered one after the other, as by a member. */
  #answered: Promise<void> = Promise.resolve();
  #unanswered = 0;
  #nextId = 0n;
  #isClosed = false;
  /** The client does not read: its watchers get nothing, and go on from where they are when it does. */
  #isCongested = false;

  constructor(options: ProxyWatchOptions, call: StreamCall) {
    this.#options = options;
    this.#call = call;
    this.#token = tokenOf(call);
    options.streams.add(this);
    if (call.metadata.get('hasleader') === 'true') options.leader.add(this);
  }

  onMessage(message: Uint8Array): void {
    let request: ReturnType<typeof decodeWatchRequest>;
    try {
      request = decodeWatchRequest(message);
    } catch (error) {
      const { status, text } = statusOf(error, 'stream');
      this.#end(status, text);
      return;
    }
    this.#unanswered += 1;
    if (this.#unanswered === MAX_UNANSWERED) this.#call.pause();
    this.#answered = this.#answered.then(() => this.#answer(request));
  }

  /** Watchers outlive the client's half of the stream, as a member's do. */
  onHalfClose(): void {}

  onDrain(): void {
    if (!this.#isCongested || this.#isClosed) return;
    this.#isCongested = false;
    if (this.#unanswered < MAX_UNANSWERED) this.#call.resume();
    for (const watcher of this.#watchers.values()) {
      if (this.#isCongested) return;
      if (watcher.isCreated && watcher.broadcast === undefined) this.#attach(watcher);
    }
  }

  onAbort(): void {
    this.#close();
  }

  onNoLeader(): void {
    const { status, text } = etcdErrors.noLeader;
    this.#end(status, text);
  }

  stop(): void {
    const { status, text } = etcdErrors.stopped;
    this.#end(status, text);
  }

  async #answer(request: ReturnType<typeof decodeWatchRequest>): Promise<void> {
    if (!this.#isClosed) {
      if (request.case === 'createRequest') await this.#create(request.value);
      else if (request.case === 'cancelRequest') this.#cancel(request.value.watchId);
      else if (request.case === 'progressRequest') this.#progress();
    }
    this.#unanswered -= 1;
    if (this.#unanswered === MAX_UNANSWERED - 1 && !this.#isCongested) this.#call.resume();
  }

  /** Sends the events of a batch that a watcher wants and has not been sent. */
  sendEvents(watcher: ProxyWatcher, batch: EventBatch, fromRevision: number): void {
    const { fragmentBytes } = this.#options;
    const body = batch.body(watcher.view, fromRevision);
    if (body.length === 0) return;
    if (!watcher.fragment || body.length < fragmentBytes) {
      this.#send([this.#eventsHead(watcher.id, batch.revision, false), body]);
      return;
    }
    const pieces = batch.pieces(watcher.view, fromRevision, fragmentBytes);
    for (const [index, piece] of pieces.entries()) {
      const isLast = index === pieces.length - 1;
      this.#send([this.#eventsHead(watcher.id, batch.revision, !isLast), piece]);
    }
  }

  sendProgress(watcher: ProxyWatcher, revision: number): void {
    this.#send(this.#responseHead(watcher.id, revision).take());
  }

  /** Nothing comes any more for a watcher that the client has been told of. */
  watcherEnded(watcher: ProxyWatcher, error: unknown): void {
    if (!(error instanceof ClientError)) throw error;
    this.#watchers.delete(watcher.id);
    const { compactRevision } = error;
    const head = this.#responseHead(watcher.id, 0).tag(0x20).uint(1);
    if (compactRevision !== undefined) {
      this.#send(head.tag(0x28).int64(compactRevision).take());
    } else if (error.code === 'closed') {
      head.take();
      this.stop();
    } else {
      this.#send(head.text(0x32, refusalText(error)).take());
    }
  }

  async #create(request: WatchCreateRequest): Promise<void> {
    const refusal = watchRefusal(request, (id) => this.#watchers.has(id));
    if (refusal !== undefined) {
      this.#sendRefusal(refusal);
      return;
    }
    await this.#learnRevision();
    if (this.#isClosed) return;
    const id = request.watchId === 0n ? this.#freeId() : request.watchId;
    const { key, rangeEnd, startRevision, filters } = request;
    const watcher = new ProxyWatcher(this, {
      id,
      span: { key: key.length === 0 ? FROM_FIRST_KEY : key, rangeEnd },
      startRevision: Number(startRevision),
      view: {
        prevKv: request.prevKv,
        noPut: filters.includes(WatchCreateRequest_FilterType.NOPUT),
        noDelete: filters.includes(WatchCreateRequest_FilterType.NODELETE),
      },
      fragment: request.fragment,
      progressNotify: request.progressNotify,
    });
    this.#watchers.set(id, watcher);
    this.#attach(watcher);
    const problem = await watcher.opened;
    if (problem === undefined || this.#isClosed) return;
    this.#watchers.delete(id);
    if (!(problem instanceof ClientError)) throw problem;
    if (problem.compactRevision !== undefined) {
      this.sendCreated(watcher);
      this.watcherEnded(watcher, problem);
    } else {
      this.#sendRefusal(refusalText(problem));
    }
  }

  /** Called before the first of its events. */
  sendCreated(watcher: ProxyWatcher): void {
    const { header } = this.#options.backend;
    const revision = watcher.startRevision === 0 ? watcher.nextRevision - 1 : header.revision;
    this.#send(this.#responseHead(watcher.id, revision).tag(0x18).uint(1).take());
  }

  #attach(watcher: ProxyWatcher): void {
    // A stream that is congested attaches its watchers when it no longer is.
    if (this.#isCongested && watcher.isCreated) return;
    this.#options.watches.attach(this.#token, watcher.span, watcher);
  }

  /** A header that was never seen says nothing; any answer has one. */
  async #learnRevision(): Promise<void> {
    const { backend } = this.#options;
    if (backend.header.revision > 0) return;
    const request = create(RangeRequestSchema, {
      key: FROM_FIRST_KEY,
      serializable: true,
      countOnly: true,
    });
    const bytes = toBinary(RangeRequestSchema, request);
    // Who may not read it hears so when the members are asked for the watch.
    await backend.unary('/etcdserverpb.KV/Range', bytes, this.#call).catch(() => {});
  }

  #freeId(): bigint {
    while (this.#watchers.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #cancel(id: bigint): void {
    const watcher = this.#watchers.get(id);
    if (watcher === undefined) return;
    this.#watchers.delete(id);
    watcher.broadcast?.delete(watcher);
    const { revision } = this.#options.backend.header;
    this.#send(this.#responseHead(id, revision).tag(0x20).uint(1).take());
  }

  /** Answers when every watcher has been sent all that the members had told by then. */
  #progress(): void {
    if (this.#watchers.size === 0 || this.#isCongested) return;
    let revision = Number.POSITIVE_INFINITY;
    for (const { nextRevision, broadcast } of this.#watchers.values()) {
      if (broadcast === undefined || broadcast.nextRevision < nextRevision) return;
      revision = Math.min(revision, nextRevision - 1);
    }
    this.#send(this.#responseHead(NO_WATCH_ID, revision).take());
  }

  #sendRefusal(reason: string): void {
    const { revision } = this.#options.backend.header;
    const head = this.#responseHead(NO_WATCH_ID, revision).tag(0x18).uint(1).tag(0x20).uint(1);
    this.#send(head.text(0x32, reason).take());
  }

  #eventsHead(id: bigint, revision: number, fragment: boolean): Uint8Array {
    const head = this.#responseHead(id, revision);
    if (fragment) head.tag(0x38).uint(1);
    return head.take();
  }

  /** The fields that open every response: header and watch id. A `revision` of 0 is left out. */
  #responseHead(id: bigint, revision: number): ProtoWriter {
    writer.raw(this.#options.backend.header.at(revision));
    if (id !== 0n) writer.tag(0x10).int64(id);
    return writer;
  }

  #send(message: Uint8Array | readonly Uint8Array[]): void {
    if (this.#isClosed || this.#call.send(message) || this.#isCongested) return;
    this.#isCongested = true;
    this.#call.pause();
    for (const watcher of this.#watchers.values()) {
      if (watcher.isCreated) watcher.broadcast?.delete(watcher);
    }
  }

  #end(status: number, text: string): void {
    if (this.#isClosed) return;
    this.#close();
    this.#call.end(status, text);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.streams.delete(this);
    this.#options.leader.delete(this);
    for (const watcher of this.#watchers.values()) {
      watcher.broadcast?.delete(watcher);
      watcher.abandon();
    }
    this.#watchers.clear();
  }
}

/** As a member's Go writes an error where it refuses a watcher. */
function refusalText(error: ClientError): string {
  const { status, text } = endOf(error);
  return `rpc error: code = ${statusNames.get(status) ?? status} desc = ${text}`;
}

function decodeWatchRequest(message: Uint8Array) {
  return decodeMessage(WatchRequestSchema, message).requestUnion;
}

/** What a watcher asks of the stream that it belongs to. */
export type WatcherStream = Pick<
  ProxyWatchStream,
  'sendEvents' | 'sendProgress' | 'sendCreated' | 'watcherEnded'
>;
