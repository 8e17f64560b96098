import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  WatchCreateRequest_FilterType as FilterType,
  type WatchCreateRequestSchema,
} from '@kvorum/api';
import type { ClientError } from '../errors.ts';
import type { Keyspace, Span } from '../keyspace.ts';
import type { EventFields, EventList } from './packed-events.ts';
import {
  listed,
  type QueuedBatch,
  queuedBatch,
  ReadEvents,
  type SourceBatch,
} from './watch-event.ts';

/** What is watched. */
export interface WatcherOptions {
  readonly span: Span;
  /** 0n: from when the server hears of it. */
  readonly startRevision: bigint;
  readonly previous: boolean;
  readonly only: 'put' | 'delete' | undefined;
  /** Whether the reader is told how far it is when nothing has changed. */
  readonly progress: boolean;
  /** Bytes that may wait for the reader. */
  readonly maxQueuedBytes: number;
  /** A server has the watch. */
  readonly onConnected?: (() => void) | undefined;
  /** Its stream is lost. */
  readonly onDisconnected?: ((error: ClientError | undefined) => void) | undefined;
}

/** The one that watchers ask for the server's word. */
export interface WatcherHome {
  /** All that waited has been taken by the reader of a watcher that was held back. */
  onDrained(watcher: Watcher): void;
}

/**
 * - `waiting`: to be asked for on the next occasion; `creating`: asked for, unanswered;
 * - `live`: events come; `held`: its reader is behind, and the server was told to stop;
 * - `ended`: nothing comes any more.
 */
export type WatcherState = 'waiting' | 'creating' | 'live' | 'held' | 'ended';

/**
 * One watch, whatever streams it goes over: how far it is, and what waits for its reader. Each event is queued once,
 * in order, none is left out: `nextRevision` says from where on the next stream must go.
 */
export class Watcher {
  readonly options: WatcherOptions;
  state: WatcherState = 'waiting';
  /** On the current stream. */
  id = 0n;
  /** Refusals of its token that it has met in a row. */
  tokenRefusals = 0;
  readonly #home: WatcherHome;
  /** The first revision that has not been queued; 0n until the server has said what "from now" is. */
  #nextRevision: bigint;
  /** The server's revision when the watch was made on the current stream. */
  #createdRevision = 0n;
  /** Answers about the progress of the stream that may have been given before the watch was made, and not come yet. */
  #olderAnswers = 0;
  /** As the user was told. Who is held back stays connected. */
  #isConnected = false;
  /** Events of a response whose rest is to come. */
  #fragments: EventFields[] = [];
  /** Length of the answers that they came in, as far as no batch has been charged with it. */
  #fragmentBytes = 0;
  #queue: QueuedBatch[] = [];
  #queuedBytes = 0;
  #error: ClientError | undefined = undefined;
  #wakeReader: (() => void) | undefined = undefined;
  readonly #opened: PromiseWithResolvers<bigint> = Promise.withResolvers();

  constructor(options: WatcherOptions, home: WatcherHome) {
    this.options = options;
    this.#home = home;
    this.#nextRevision = options.startRevision;
    // Nobody has to ask.
    this.opened.catch(() => {});
  }

  /** Resolves with the first revision that is watched, once the server has the watch; rejects when it never has. */
  get opened(): Promise<bigint> {
    return this.#opened.promise;
  }

  /** Whether more waits for the reader than should. */
  get isFull(): boolean {
    return this.#queuedBytes > this.options.maxQueuedBytes;
  }

  /** What the server is asked for. */
  createRequest(watchId: bigint): MessageInitShape<typeof WatchCreateRequestSchema> {
    const { span, previous, only } = this.options;
    const filters = only === 'put' ? [FilterType.NODELETE] : [FilterType.NOPUT];
    return {
      key: span.key,
      rangeEnd: span.rangeEnd,
      startRevision: this.#nextRevision,
      progressNotify: true,
      filters: only === undefined ? [] : filters,
      prevKv: previous,
      watchId,
      fragment: true,
    };
  }

  /** `askedBefore`: questions about the progress of the stream that had no answer yet. */
  onCreated(id: bigint, revision: bigint, askedBefore: number): void {
    this.id = id;
    this.state = 'live';
    this.tokenRefusals = 0;
    this.#createdRevision = revision;
    this.#olderAnswers = askedBefore;
    if (this.#nextRevision === 0n) this.#nextRevision = revision + 1n;
    this.#opened.resolve(this.#nextRevision);
    if (!this.#isConnected) this.options.onConnected?.();
    this.#isConnected = true;
  }

  /** Its stream is gone, with this error if there is one, or it was taken off it. */
  detach(state: 'waiting' | 'held', error?: ClientError): void {
    if (this.state === 'ended') return;
    const wasLive = this.state === 'live';
    if (wasLive && state === 'waiting') {
      this.#isConnected = false;
      this.options.onDisconnected?.(error);
    }
    // A reader that is behind may have caught up meanwhile.
    this.state = state === 'held' && this.#queue.length === 0 ? 'waiting' : state;
    this.#fragments = [];
    this.#fragmentBytes = 0;
  }

  /** `hasRest`: more of the last revision follows. `answerBytes` is the length of the answer that has them. */
  onEvents(events: EventList<EventFields>, hasRest: boolean, answerBytes: number): void {
    const whole =
      hasRest || this.#fragments.length > 0 ? this.#completed(listed(events), hasRest) : events;
    const fresh = this.#fresh(whole);
    const last = fresh.at(fresh.length - 1);
    const bytes = this.#fragmentBytes + answerBytes;
    this.#fragmentBytes = hasRest && last === undefined ? bytes : 0;
    if (last === undefined) return;
    const revision = last.kv.modRevision;
    this.#nextRevision = revision + 1n;
    this.#push(queuedBatch(revision, fresh, bytes));
  }

  /** The last revision may go on in the next fragment; those before it are whole. */
  #completed(events: readonly EventFields[], hasRest: boolean): readonly EventFields[] {
    const all = [...this.#fragments, ...events];
    const last = all.at(-1)?.kv.modRevision;
    this.#fragments = hasRest ? all.filter(({ kv }) => kv.modRevision === last) : [];
    return hasRest ? all.filter(({ kv }) => kv.modRevision !== last) : all;
  }

  /** Those that have not been queued: all of them, unless the stream is a new one. */
  #fresh(events: EventList<EventFields>): EventList<EventFields> {
    const isNew = (event: EventFields) => event.kv.modRevision >= this.#nextRevision;
    const first = events.at(0);
    return first === undefined || isNew(first) ? events : listed(events).filter(isNew);
  }

  /** The server says that this watcher was sent all up to a revision. */
  onProgress(revision: bigint): void {
    if (revision < this.#nextRevision || this.#fragments.length > 0) return;
    this.#nextRevision = revision + 1n;
    if (this.options.progress) this.#push(queuedBatch(revision, [], 0));
  }

  /**
   * The server says that all watchers of the stream were sent all up to a revision. It may have said so before this
   * one was made: then the revision is no later than the one that it was made at, and it was asked before.
   */
  onProgressOfAll(revision: bigint): void {
    const maybeOlder = this.#olderAnswers > 0;
    if (maybeOlder) this.#olderAnswers -= 1;
    if (revision > this.#createdRevision || !maybeOlder) this.onProgress(revision);
  }

  /** Ends it; the reader gets what has been queued, then the error. */
  fail(error: ClientError): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.#error = error;
    this.#opened.reject(error);
    this.#wake();
  }

  /** Ends it for a reader that wants no more. */
  end(error: ClientError): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.fail(error);
  }

  /** The next batch, as that keyspace has it. Rejects with `ClientError` when nothing comes any more. */
  async next(keyspace: Keyspace): Promise<SourceBatch> {
    for (;;) {
      const batch = this.#queue.shift();
      if (batch !== undefined) {
        this.#queuedBytes -= batch.bytes;
        if (this.state === 'held' && this.#queue.length === 0) {
          this.state = 'waiting';
          this.#home.onDrained(this);
        }
        return { revision: batch.revision, events: new ReadEvents(batch.events, keyspace) };
      }
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  #push(batch: QueuedBatch): void {
    const last = this.#queue.at(-1);
    // Of progress only the latest matters.
    if (last !== undefined && last.events.length === 0) this.#queue.pop();
    this.#queue.push(batch);
    this.#queuedBytes += batch.bytes;
    this.#wake();
  }

  #wake(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }
}
