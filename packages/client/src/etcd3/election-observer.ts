import type { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { asMapKey } from '../encoding.ts';
import { toInt64 } from './encoding.ts';
import type { IKeyValue, IWatchResponse } from './messages.ts';
import type { Namespace } from './namespace.ts';
import type { Watcher } from './watcher.ts';

/** What an observer emits, and with what. */
export interface ElectionObserverEvents {
  /** Another value leads; undefined: nobody. */
  change: [value: string | undefined];
  /** The stream of its watch was lost; it goes on by itself. */
  disconnected: [error: Error];
  /** Nothing is observed any more. */
  error: [error: Error];
}

/** Who leads, as it changes. Must be ended by `cancel`. */
export class ElectionObserver extends EventEmitter<ElectionObserverEvents> {
  /** Resolves once it is known who leads, if anybody. */
  readonly known: Promise<void>;
  readonly #namespace: Namespace;
  readonly #candidates = new Map<string, IKeyValue>();
  #watcher: Watcher | undefined = undefined;
  #current: IKeyValue | undefined = undefined;
  #isCancelled = false;

  /** @internal */
  constructor(namespace: Namespace) {
    super();
    this.#namespace = namespace;
    this.known = this.#start();
  }

  /** Whether anybody leads. */
  get hasLeader(): boolean {
    return this.#current !== undefined;
  }

  /** Ends it. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    await this.#watcher?.cancel();
  }

  /** What the leader has proclaimed; undefined when nobody leads. */
  leader(encoding?: BufferEncoding): string | undefined;
  /** The same as bytes. */
  leader(encoding: 'buffer'): Buffer | undefined;
  leader(encoding: BufferEncoding | 'buffer' = 'utf8'): string | Buffer | undefined {
    const value = this.#current?.value;
    return encoding === 'buffer' ? value : value?.toString(encoding);
  }

  async #start(): Promise<void> {
    const { kvs, header } = await this.#namespace.getAll().exec();
    for (const kv of kvs) this.#candidates.set(asMapKey(kv.key), kv);
    this.#current = this.#first();
    if (this.#isCancelled) return;
    const next = String(toInt64(header.revision) + 1n);
    this.#watcher = this.#namespace.watch().prefix('').startRevision(next).watcher();
    this.#watcher.on('data', (response) => this.#onEvents(response));
    this.#watcher.on('disconnected', (error) => this.emit('disconnected', error));
    this.#watcher.on('error', (error) => this.emit('error', error));
  }

  #onEvents({ events }: IWatchResponse): void {
    for (const { type, kv } of events) {
      const name = asMapKey(kv.key);
      if (type === 'Put') this.#candidates.set(name, kv);
      else this.#candidates.delete(name);
      this.#note(this.#first());
    }
  }

  #note(next: IKeyValue | undefined): void {
    const former = this.#current;
    this.#current = next;
    const isSame =
      next === undefined || former === undefined
        ? next === former
        : next.value.equals(former.value);
    if (!isSame && !this.#isCancelled) this.emit('change', next?.value.toString());
  }

  /** Who came first leads. */
  #first(): IKeyValue | undefined {
    let first: IKeyValue | undefined;
    for (const kv of this.#candidates.values()) {
      if (first === undefined || toInt64(kv.create_revision) < toInt64(first.create_revision)) {
        first = kv;
      }
    }
    return first;
  }
}
