import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type ResponseHeader,
  type WatchCreateRequest,
  WatchCreateRequestSchema,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from '@kvorum/api';
import type { ChannelReceiver } from '../channel.ts';
import type { BeginCall, RequestPlan } from './request-plan.ts';
import type { RunningCall } from './web-call.ts';

/** The watch id of responses that belong to no watcher, or to all. */
const noWatchId = -1n;
const duplicateText = 'mvcc: duplicate watch ID provided on the WatchStream';

/** One watcher, as its user knows it. */
interface Watcher {
  readonly id: bigint;
  readonly request: WatchCreateRequest;
  /** The user has been told that it was created. */
  isCreated: boolean;
  /** Everything before it has been delivered; 0: from now on. */
  nextRevision: bigint;
  /** Half of a response is delivered: the server will send the rest. */
  isInFragment: boolean;
}

/**
 * etcd's Watch with one request at a time: it holds all watchers, and its response lasts. Whenever the user creates or
 * cancels a watcher or asks for progress, the request is replaced by one that goes on, for each watcher, after the
 * last revision that was delivered; the user sees neither gap nor repetition. The server must go on with a watch whose
 * request is complete.
 *
 * Every request ends by asking for progress, so that a watcher of keys that rarely change does not stay behind until
 * its revision is compacted.
 */
export class WatchPlan implements RequestPlan {
  readonly #begin: BeginCall;
  readonly #receiver: ChannelReceiver;
  /** By id, in the order of creation; the one with id 0, which the server calls so by itself, is the first. */
  readonly #watchers = new Map<bigint, Watcher>();
  #nextId = 0n;
  #call: RunningCall | undefined = undefined;
  /** Of the last response, for what is told in the server's place. */
  #header: ResponseHeader | undefined = undefined;
  /** What to tell the user in the next turn. */
  #answers: Uint8Array[] = [];
  #isFlushing = false;
  #isRequestStale = false;
  #isProgressWanted = false;
  #isPaused = false;
  #isStopped = false;

  constructor(begin: BeginCall, receiver: ChannelReceiver) {
    this.#begin = begin;
    this.#receiver = receiver;
  }

  send(message: Uint8Array): void {
    const { requestUnion } = fromBinary(WatchRequestSchema, message);
    switch (requestUnion.case) {
      case 'createRequest':
        this.#create(requestUnion.value);
        break;
      case 'cancelRequest':
        this.#cancel(requestUnion.value.watchId);
        break;
      case 'progressRequest':
        this.#isProgressWanted = true;
        this.#isRequestStale = true;
        break;
      default:
        return;
    }
    this.#flushSoon();
  }

  /** The server goes on with what it was asked for. */
  halfClose(): void {}

  stop(): void {
    this.#isStopped = true;
    this.#drop();
  }

  pause(): void {
    this.#isPaused = true;
    this.#call?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#call?.resume();
  }

  #create(request: WatchCreateRequest): void {
    const { startRevision } = request;
    const isTaken = request.watchId !== 0n && this.#watchers.has(request.watchId);
    if (isTaken) {
      this.#answer({
        watchId: noWatchId,
        created: true,
        canceled: true,
        cancelReason: duplicateText,
      });
      return;
    }
    const id = request.watchId === 0n ? this.#freeId() : request.watchId;
    const state = { isCreated: false, nextRevision: startRevision, isInFragment: false };
    this.#watchers.set(id, { id, request, ...state });
    this.#isRequestStale = true;
  }

  #freeId(): bigint {
    while (this.#watchers.has(this.#nextId)) this.#nextId += 1n;
    const id = this.#nextId;
    this.#nextId += 1n;
    return id;
  }

  #cancel(watchId: bigint): void {
    if (!this.#watchers.delete(watchId)) return;
    this.#isRequestStale = true;
    this.#answer({ watchId, canceled: true });
  }

  #answer(parts: MessageInitShape<typeof WatchResponseSchema>): void {
    const response = create(WatchResponseSchema, parts);
    if (this.#header !== undefined) response.header = this.#header;
    this.#answers.push(toBinary(WatchResponseSchema, response));
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (this.#isStopped) return;
      const answers = this.#answers;
      this.#answers = [];
      for (const answer of answers) this.#receiver.onMessage(answer);
      this.#maybeReplace();
    });
  }

  #maybeReplace(): void {
    const isHalfDelivered = [...this.#watchers.values()].some((one) => one.isInFragment);
    if (this.#isStopped || !this.#isRequestStale || isHalfDelivered) return;
    this.#isRequestStale = false;
    this.#drop();
    if (this.#watchers.size > 0) this.#open();
  }

  /** Lets go of the request that runs, whatever else comes back from it. */
  #drop(): void {
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
  }

  #open(): void {
    const uncreated = [...this.#watchers.values()].sort(
      (a, b) => Number(a.id !== 0n) - Number(b.id !== 0n),
    );
    const requests = uncreated.map(({ request, id, nextRevision }) => {
      const value = create(WatchCreateRequestSchema, {
        ...request,
        watchId: id,
        startRevision: nextRevision,
      });
      return encode({ case: 'createRequest', value });
    });
    requests.push(encode({ case: 'progressRequest', value: {} }));
    const call = this.#begin(requests, {
      onMessage: (message) => {
        if (this.#call !== call) return;
        this.#onResponse(fromBinary(WatchResponseSchema, message), message, uncreated);
        this.#maybeReplace();
      },
      onEnd: (failure) => {
        if (this.#call === call) this.#receiver.onEnd(failure);
      },
    });
    this.#call = call;
    if (this.#isPaused) call.pause();
  }

  /** `uncreated` are those of the request that the server has not told of yet, in its order. */
  #onResponse(response: WatchResponse, bytes: Uint8Array, uncreated: Watcher[]): void {
    const { watchId, header } = response;
    if (header !== undefined) this.#header = header;
    if (response.created) {
      const watcher = uncreated.shift();
      if (watcher !== undefined) this.#onCreated(watcher, response, bytes);
    } else if (watchId === noWatchId) {
      this.#onProgress(response, bytes);
    } else {
      const watcher = this.#watchers.get(watchId);
      if (watcher?.isCreated === true) this.#onEvents(watcher, response, bytes);
    }
  }

  #onCreated(watcher: Watcher, response: WatchResponse, bytes: Uint8Array): void {
    const { isCreated, id } = watcher;
    // A watcher that was cancelled meanwhile has been answered for.
    if (this.#watchers.get(id) !== watcher) return;
    watcher.isCreated = true;
    if (response.canceled) this.#watchers.delete(id);
    else if (watcher.nextRevision === 0n) watcher.nextRevision = revisionOf(response) + 1n;
    if (!isCreated) {
      this.#receiver.onMessage(bytes);
    } else if (response.canceled) {
      const end = create(WatchResponseSchema, { ...response, watchId: id, created: false });
      this.#receiver.onMessage(toBinary(WatchResponseSchema, end));
    }
  }

  /** All watchers have everything up to the revision. */
  #onProgress(response: WatchResponse, bytes: Uint8Array): void {
    for (const watcher of this.#watchers.values()) {
      if (watcher.isCreated) advance(watcher, revisionOf(response));
    }
    if (this.#isProgressWanted) this.#receiver.onMessage(bytes);
    this.#isProgressWanted = false;
  }

  #onEvents(watcher: Watcher, response: WatchResponse, bytes: Uint8Array): void {
    watcher.isInFragment = response.fragment;
    if (response.canceled) this.#watchers.delete(watcher.id);
    else if (!response.fragment) {
      // Without events it tells of progress. With events the header may be ahead of what this watcher has got.
      const last = response.events.at(-1)?.kv?.modRevision;
      advance(watcher, last ?? revisionOf(response));
    }
    this.#receiver.onMessage(bytes);
  }
}

function advance(watcher: Watcher, delivered: bigint): void {
  if (delivered >= watcher.nextRevision) watcher.nextRevision = delivered + 1n;
}

function revisionOf(response: WatchResponse): bigint {
  return response.header?.revision ?? 0n;
}

function encode(
  requestUnion: NonNullable<MessageInitShape<typeof WatchRequestSchema>['requestUnion']>,
): Uint8Array {
  return toBinary(WatchRequestSchema, create(WatchRequestSchema, { requestUnion }));
}
