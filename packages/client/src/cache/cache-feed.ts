import type { CallOptions } from '../call-options.ts';
import { ClientError } from '../errors.ts';
import type { KeyValue } from '../key-value.ts';
import type { GetAll, GetAllOptions } from '../kv/get-all.ts';
import type { Timers } from '../timers.ts';
import { persistently } from '../watch/persistently.ts';
import { listed, type WatchBatch } from '../watch/watch-event.ts';
import type { PlainSource } from '../watch/watch-source.ts';
import type { WatcherOptions } from '../watch/watcher.ts';

/** Told when a server has a watch, and when its stream is lost. */
export type ConnectionObserver = Required<Pick<WatcherOptions, 'onConnected' | 'onDisconnected'>>;

/** Where a cache gets what it has. */
export interface FeedParts {
  /** Reads the range that is cached. */
  readonly list: (options: GetAllOptions) => GetAll;
  /** Watches it, and tells when the server has the watch and when not any more. */
  readonly watch: (startRevision: bigint, observer: ConnectionObserver) => PlainSource;
  /** The store's revision of now, surely. Rejects with `ClientError`. */
  readonly storeRevision: (options: CallOptions) => Promise<bigint>;
  readonly timers: Timers;
}

/** What a feed fills. */
export interface FeedSink {
  /** Of what it has. */
  readonly revision: bigint;
  /** An entry that was read, as it is to be kept. */
  keep(entry: KeyValue): KeyValue;
  /** All there was at a revision, in the order of keys. */
  replace(entries: readonly KeyValue[], revision: bigint): void;
  apply(batch: WatchBatch): void;
  onLive(): void;
  /** What changes does not come any more, for this reason if there is one. */
  onLost(error: ClientError | undefined): void;
  /** Nothing comes any more. */
  fail(error: ClientError): void;
}

/** Reads everything at one revision, then follows what changes; and again where events were compacted away. */
export class CacheFeed {
  readonly #parts: FeedParts;
  readonly #sink: FeedSink;
  readonly #ended = new AbortController();
  #source: PlainSource | undefined = undefined;
  /** Set while everything is to be read anew, because the store is not the one that was read. */
  #replaced: PromiseWithResolvers<void> | undefined = undefined;

  constructor(parts: FeedParts, sink: FeedSink) {
    this.#parts = parts;
    this.#sink = sink;
    void this.#run();
  }

  /** Asks the server how far the watch is. */
  askProgress(): void {
    this.#source?.askProgress();
  }

  end(error: ClientError): void {
    this.#ended.abort(error);
    this.#source?.end(error);
    this.#fail(error);
  }

  /**
   * The store's revision of now, which is at least what the sink has: revisions of one store never go back. Where they
   * have, it was restored from a backup, and this resolves after everything was read anew. Rejects with `ClientError`.
   */
  async storeRevision(options: CallOptions): Promise<bigint> {
    const { revision: known } = this.#sink;
    const revision = await this.#parts.storeRevision(options);
    if (revision < known && this.#sink.revision >= known) {
      this.#replaced ??= Promise.withResolvers();
      // With the code of what is done about it.
      this.#source?.end(new ClientError({ code: 'compacted', message: 'the store was replaced' }));
      await this.#replaced.promise;
    }
    return revision;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    try {
      for (;;) {
        await persistently(this.#parts.timers, signal, () => this.#list());
        this.#replaced?.resolve();
        this.#replaced = undefined;
        await this.#follow();
      }
    } catch (error) {
      // Anything else is a bug, and nobody's to handle.
      if (!(error instanceof ClientError)) throw error;
      if (!signal.aborted) this.#fail(error);
    }
  }

  #fail(error: ClientError): void {
    this.#replaced?.reject(error);
    this.#sink.fail(error);
  }

  async #list(): Promise<void> {
    const { signal } = this.#ended;
    const all: KeyValue[] = [];
    let listed = 0n;
    for await (const { entries, revision } of this.#parts.list({ signal }).pages()) {
      listed = revision;
      for (const entry of entries) all.push(this.#sink.keep(entry));
    }
    signal.throwIfAborted();
    this.#sink.replace(all, listed);
  }

  /** Resolves when what comes next was compacted away. */
  async #follow(): Promise<void> {
    let wasLive = false;
    const source = this.#parts.watch(this.#sink.revision + 1n, {
      onConnected: () => {
        this.#sink.onLive();
        // All members were away, perhaps: what they serve may be a backup of before.
        if (wasLive) this.storeRevision({ signal: this.#ended.signal }).catch(() => {});
        wasLive = true;
      },
      onDisconnected: (error) => this.#sink.onLost(error),
    });
    this.#source = source;
    try {
      for (;;) {
        const { revision, events } = await source.next();
        // All of them or none, should one be malformed.
        this.#sink.apply({ revision, events: listed(events) });
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#source = undefined;
      source.end(error);
      this.#ended.signal.throwIfAborted();
      if (error.code !== 'compacted') throw error;
      this.#sink.onLost(error);
    }
  }
}
