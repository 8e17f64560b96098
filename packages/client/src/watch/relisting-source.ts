import { create } from '@bufbuild/protobuf';
import { KeyValueSchema } from '@kvorum/api';
import { asMapKey, fromMapKey } from '../encoding.ts';
import { ClientError } from '../errors.ts';
import { KeyValue } from '../key-value.ts';
import type { GetAll, GetAllOptions } from '../kv/get-all.ts';
import type { Timers } from '../timers.ts';
import { persistently } from './persistently.ts';
import { listed, type WatchBatch, type WatchEvent } from './watch-event.ts';
import type { PlainSource, WatchSource } from './watch-source.ts';

/** What a watch that reads anew after a compaction works with. */
export interface RelistingParts {
  /** Reads the range that is watched. */
  readonly list: (options: GetAllOptions) => GetAll;
  /** Watches it, both puts and deletes. */
  readonly watch: (startRevision: bigint) => PlainSource;
  readonly timers: Timers;
  /** 0n: from now. */
  readonly startRevision: bigint;
  readonly only: 'put' | 'delete' | undefined;
  readonly progress: boolean;
}

/** A watch that knows which keys its reader knows, to tell what has changed when events were compacted away. */
export class RelistingSource implements WatchSource {
  readonly #parts: RelistingParts;
  readonly #ended = new AbortController();
  /** Keys that the reader takes for existing, and when they were last written. */
  #known = new Map<string, bigint>();
  readonly #begun: Promise<PlainSource | undefined>;
  /** Undefined: everything has to be read anew first. */
  #source: PlainSource | undefined = undefined;
  #hasBegun = false;
  readonly #opened: PromiseWithResolvers<bigint> = Promise.withResolvers();

  constructor(parts: RelistingParts) {
    this.#parts = parts;
    this.opened.catch(() => {});
    this.#begun = this.#begin();
    this.#begun.catch((error) => this.#opened.reject(error));
  }

  get opened(): Promise<bigint> {
    return this.#opened.promise;
  }

  async next(): Promise<WatchBatch> {
    if (!this.#hasBegun) {
      this.#source = await this.#begun;
      this.#hasBegun = true;
    }
    for (;;) {
      const batch =
        this.#source === undefined ? await this.#relist() : await this.#nextOf(this.#source);
      if (batch === undefined) continue;
      const { only, progress } = this.#parts;
      const events =
        only === undefined ? batch.events : batch.events.filter(({ type }) => type === only);
      if (events.length > 0 || progress) return { revision: batch.revision, events };
    }
  }

  askProgress(): void {
    this.#source?.askProgress();
  }

  end(error: ClientError): void {
    this.#ended.abort(error);
    this.#opened.reject(error);
    this.#source?.end(error);
    this.#begun.then(
      (source) => source?.end(error),
      () => {},
    );
  }

  /** Finds out what there is just before the watch begins; undefined when that was compacted away. */
  async #begin(): Promise<PlainSource | undefined> {
    const { startRevision } = this.#parts;
    let revision = startRevision;
    if (startRevision !== 1n) {
      const at = startRevision === 0n ? 0n : startRevision - 1n;
      const listed = await this.#persistently(() => this.#listKeys(at));
      if (listed === undefined) return undefined;
      revision = startRevision === 0n ? listed + 1n : startRevision;
    }
    return this.#watchFrom(revision);
  }

  /** Notes which keys there are at a revision (0n: now), and gives that revision. Undefined: it is compacted. */
  async #listKeys(revision: bigint): Promise<bigint | undefined> {
    const { signal } = this.#ended;
    try {
      const known = new Map<string, bigint>();
      let listed = revision;
      for await (const page of this.#parts.list({ keysOnly: true, revision, signal }).pages()) {
        listed = page.revision;
        for (const { key, modRevision } of page.entries) known.set(asMapKey(key), modRevision);
      }
      this.#known = known;
      return listed;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // What is to come begins with what there is now.
      if (error.code === 'futureRev') return await this.#listKeys(0n);
      if (error.code === 'compacted' && revision !== 0n) return undefined;
      throw error;
    }
  }

  #watchFrom(revision: bigint): PlainSource {
    this.#ended.signal.throwIfAborted();
    const source = this.#parts.watch(revision);
    source.opened.then(this.#opened.resolve, (error: ClientError) => {
      // That is no end: everything will be read anew.
      if (error.code !== 'compacted') this.#opened.reject(error);
    });
    return source;
  }

  async #nextOf(source: PlainSource): Promise<WatchBatch | undefined> {
    try {
      const { revision, events: packed } = await source.next();
      const events = listed(packed);
      for (const { type, entry } of events) {
        if (type === 'put') this.#known.set(asMapKey(entry.key), entry.modRevision);
        else this.#known.delete(asMapKey(entry.key));
      }
      return { revision, events };
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
      this.#source = undefined;
      return undefined;
    }
  }

  async #relist(): Promise<WatchBatch> {
    const batch = await this.#persistently(() => this.#difference());
    this.#source = this.#watchFrom(batch.revision + 1n);
    return batch;
  }

  #persistently<T>(attempt: () => Promise<T>): Promise<T> {
    return persistently(this.#parts.timers, this.#ended.signal, attempt);
  }

  /** Reads everything, and gives what differs from what the reader knows. */
  async #difference(): Promise<WatchBatch> {
    const { signal } = this.#ended;
    const known = new Map<string, bigint>();
    const events: WatchEvent[] = [];
    let revision = 0n;
    for await (const page of this.#parts.list({ signal }).pages()) {
      ({ revision } = page);
      for (const entry of page.entries) {
        const name = asMapKey(entry.key);
        known.set(name, entry.modRevision);
        if (this.#known.get(name) !== entry.modRevision) {
          events.push({ type: 'put', entry, previous: undefined, isSynthetic: true });
        }
      }
    }
    for (const name of this.#known.keys()) {
      if (known.has(name)) continue;
      const message = create(KeyValueSchema, { key: fromMapKey(name), modRevision: revision });
      const entry = new KeyValue(message);
      events.push({ type: 'delete', entry, previous: undefined, isSynthetic: true });
    }
    this.#known = known;
    return { revision, events };
  }
}
