import { EventEmitter } from 'node:events';
import { ClientError } from '../errors.ts';
import type { KeyRange, Keys } from '../keyspace.ts';
import type { Watch, WatchOptions } from '../watch/watch.ts';
import type { WatchBatch } from '../watch/watch-event.ts';
import type { Calls } from './calls.ts';
import { nextTurn } from './environment.ts';
import { castError, castWatchError } from './error-cast.ts';
import { GRPCUnavailableError } from './errors.ts';
import type { IEvent, IKeyValue, IWatchResponse } from './messages.ts';
import type { KeyPrefix, Range } from './range.ts';
import { headerAt, keyValueOf } from './responses.ts';

/** What a watcher emits, and with what. */
export interface WatcherEvents {
  /** A server has it: at first, and after each `disconnected`. */
  connected: [response: IWatchResponse];
  /** Its stream was lost; it goes on by itself, without gap or repetition. */
  disconnected: [error: Error];
  /** Events of whole revisions, after `put` and `delete` of each. */
  data: [response: IWatchResponse];
  put: [kv: IKeyValue, previous: IKeyValue | null];
  delete: [kv: IKeyValue, previous: IKeyValue | null];
  /** Nothing comes any more, since it was cancelled or the client closed. */
  end: [];
  /** Nothing comes any more for another reason, such as a missing permission or a compaction. */
  error: [error: Error];
}

let lastId = 0;

/** A watch as an emitter of events. Made by `client.watch()`. */
export class Watcher extends EventEmitter<WatcherEvents> {
  /** Tells it from others of this process; null until a server has it. */
  id: string | null = null;
  readonly #watch: Watch;
  readonly #prefix: KeyPrefix;
  readonly #ended: Promise<void>;
  #nextRevision: bigint | undefined;
  #wasOpened = false;
  #isCancelled = false;

  /** @internal */
  constructor(calls: Calls, prefix: KeyPrefix, range: Range, options: WatchOptions) {
    super();
    this.#prefix = prefix;
    this.#nextRevision = options.startRevision;
    this.#watch = calls.native.watch(keysOf(prefix, range), {
      ...options,
      onConnected: () => {
        if (this.#wasOpened) this.#safely(() => this.emit('connected', this.#created()));
      },
      onDisconnected: (error) => this.#safely(() => this.emit('disconnected', lossOf(error))),
    });
    this.#ended = this.#run();
  }

  /** The revision that it goes on from, as text; null until a server has it. */
  lastRevision(): string | null {
    return this.#nextRevision === undefined ? null : String(this.#nextRevision);
  }

  /** Ends it; resolves when nothing comes any more. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    this.#watch.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    try {
      this.#nextRevision = await this.#watch.opened;
      this.#wasOpened = true;
      lastId += 1;
      this.id = String(lastId);
      this.#safely(() => this.emit('connected', this.#created()));
      // Who awaits `create()` adds listeners then.
      await nextTurn();
      for await (const batch of this.#watch.batches()) this.#deliver(batch);
      this.#safely(() => this.emit('end'));
    } catch (error) {
      const isClosed = error instanceof ClientError && error.code === 'closed';
      // Who waits for `create` of a client that is closed shall hear of it.
      const isAwaited = !this.#wasOpened && !this.#isCancelled && this.listenerCount('error') > 0;
      if (isClosed && !isAwaited) this.#safely(() => this.emit('end'));
      else this.#safely(() => this.emit('error', castWatchError(error) as Error));
    }
  }

  #deliver({ revision, events }: WatchBatch): void {
    const response: IWatchResponse = {
      ...this.#response(revision),
      events: events.map((event) => this.#event(event)),
    };
    this.#nextRevision = revision + 1n;
    for (const { type, kv, prev_kv: previous } of response.events) {
      this.#safely(() => this.emit(type === 'Put' ? 'put' : 'delete', kv, previous));
    }
    this.#safely(() => this.emit('data', response));
  }

  #event({ type, entry, previous }: WatchBatch['events'][number]): IEvent {
    return {
      type: type === 'put' ? 'Put' : 'Delete',
      kv: this.#keyValue(entry),
      prev_kv: previous === undefined ? null : this.#keyValue(previous),
    };
  }

  #keyValue(entry: WatchBatch['events'][number]['entry']): IKeyValue {
    const kv = keyValueOf(entry);
    return { ...kv, key: this.#prefix.strip(kv.key) };
  }

  #created(): IWatchResponse {
    return { ...this.#response((this.#nextRevision ?? 1n) - 1n), created: true, events: [] };
  }

  #response(revision: bigint) {
    return {
      header: headerAt(revision),
      watch_id: this.id ?? '0',
      created: false,
      canceled: false,
      compact_revision: '0',
      cancel_reason: '',
      fragment: false,
    };
  }

  /** What a listener throws is thrown where nobody but the process catches it, and stops nothing here. */
  #safely(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      void nextTurn().then(() => {
        throw error;
      });
    }
  }
}

function lossOf(error: ClientError | undefined): Error {
  if (error !== undefined) return castError(error, 'Watch') as Error;
  return new GRPCUnavailableError('the stream of the watch has ended');
}

function keysOf(prefix: KeyPrefix, { start, end }: Range): Keys {
  const { key, range_end: rangeEnd } = prefix.apply({ key: start, range_end: end });
  if (rangeEnd.length === 0) return key;
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  const range: KeyRange = isOpen ? { fromKey: key } : { start: key, end: rangeEnd };
  return range;
}
