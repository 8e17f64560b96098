import type { ClientError } from '../errors.ts';
import type { Keyspace } from '../keyspace.ts';
import type { SourceBatch } from './watch-event.ts';
import type { WatchHub } from './watch-hub.ts';
import type { Watcher, WatcherOptions } from './watcher.ts';

/** Where a watch's reader gets its batches. */
export interface WatchSource {
  /** Resolves with the first revision that is watched. */
  readonly opened: Promise<bigint>;
  /** The next batch; one call at a time. Rejects with `ClientError` when nothing comes any more. */
  next(): Promise<SourceBatch>;
  /** Asks the server how far it is; the answer is a batch without events, if `progress` is wanted. */
  askProgress(): void;
  /** Ends it; `next` rejects with this. */
  end(error: ClientError): void;
}

/** What the server sends, as it is. */
export class PlainSource implements WatchSource {
  readonly #hub: WatchHub;
  readonly #watcher: Watcher;
  readonly #keyspace: Keyspace;

  constructor(hub: WatchHub, keyspace: Keyspace, options: WatcherOptions) {
    this.#hub = hub;
    this.#keyspace = keyspace;
    this.#watcher = hub.add(options);
  }

  get opened(): Promise<bigint> {
    return this.#watcher.opened;
  }

  next(): Promise<SourceBatch> {
    return this.#watcher.next(this.#keyspace);
  }

  askProgress(): void {
    this.#hub.askProgress();
  }

  end(error: ClientError): void {
    this.#hub.remove(this.#watcher, error);
  }
}
