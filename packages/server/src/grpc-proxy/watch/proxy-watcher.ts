import type { KeySpan } from '../namespace.ts';
import type { Broadcast, Subscriber } from './broadcast.ts';
import type { EventBatch, EventView } from './event-batch.ts';
import type { WatcherStream } from './watch-stream.ts';

/** What a client asked for. */
export interface ProxyWatcherOptions {
  readonly id: bigint;
  /** As the client has it. */
  readonly span: KeySpan;
  /** 0: from now on. */
  readonly startRevision: number;
  readonly view: EventView;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
}

/** One watcher of a client, whatever broadcasts it gets its events from. */
export class ProxyWatcher implements Subscriber {
  readonly id: bigint;
  readonly span: KeySpan;
  readonly startRevision: number;
  readonly view: EventView;
  readonly fragment: boolean;
  nextRevision: number;
  broadcast: Broadcast | undefined;
  /** Resolves when the client has been told that it's made, or with why it can't be. */
  readonly opened: Promise<unknown>;
  readonly #stream: WatcherStream;
  readonly #progressNotify: boolean;
  readonly #settle: (problem: unknown) => void;
  #isCreated = false;

  constructor(stream: WatcherStream, options: ProxyWatcherOptions) {
    this.id = options.id;
    this.span = options.span;
    this.startRevision = options.startRevision;
    this.view = options.view;
    this.fragment = options.fragment;
    this.nextRevision = options.startRevision;
    this.#progressNotify = options.progressNotify;
    this.#stream = stream;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.opened = promise;
    this.#settle = resolve;
  }

  /** The client has been told of it. */
  get isCreated(): boolean {
    return this.#isCreated;
  }

  onOpened(): void {
    if (this.#isCreated) return;
    this.#isCreated = true;
    this.#stream.sendCreated(this);
    this.#settle(undefined);
  }

  onEvents(batch: EventBatch): void {
    const from = this.nextRevision;
    this.nextRevision = batch.revision + 1;
    this.#stream.sendEvents(this, batch, from);
  }

  onProgress(revision: number): void {
    if (revision < this.nextRevision - 1) return;
    this.nextRevision = revision + 1;
    if (this.#progressNotify) this.#stream.sendProgress(this, revision);
  }

  onEnded(error: unknown): void {
    if (this.#isCreated) this.#stream.watcherEnded(this, error);
    else this.#settle(error);
  }

  /** The client has gone: nobody waits for it any more. */
  abandon(): void {
    this.#settle(undefined);
  }
}
