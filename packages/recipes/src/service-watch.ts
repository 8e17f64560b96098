import { type Client, ClientError, type KeyValue, type Timers } from '@kvorum/client';
import { abortedError } from './errors.ts';
import { persistently } from './persistently.ts';
import { type Instance, readInstance } from './service-instance.ts';

/** What is watched. */
export interface ServiceWatchParts {
  readonly client: Client;
  /** Of the keys of a service's instances. */
  readonly prefix: string;
  readonly unhealthy: boolean;
  readonly signal: AbortSignal | undefined;
  readonly timers: Timers;
}

/**
 * The instances of a service, for one reader: first as they are, then again whenever they have changed; what changes
 * while the reader is busy comes at once. Leaving the loop ends it. Throws to the reader `RecipeError` "aborted", and
 * `ClientError` when the server refuses; when it cannot be reached, it waits.
 */
export class ServiceWatch implements AsyncIterable<readonly Instance[]> {
  readonly #parts: ServiceWatchParts;

  /** For `ServiceRegistry.watch`. */
  constructor(parts: ServiceWatchParts) {
    this.#parts = parts;
  }

  /** All instances, as they are now, and again whenever that changes. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Instance[], void, undefined> {
    const { client, prefix, timers } = this.#parts;
    const signal = this.#parts.signal ?? new AbortController().signal;
    try {
      for (;;) {
        const { entries, revision } = await persistently(
          () => client.range({ prefix }, { signal }),
          timers,
          signal,
        );
        yield* this.#changes(entries, revision, signal);
      }
    } catch (error) {
      throw signal.aborted ? abortedError(`watching ${prefix}`, signal) : error;
    }
  }

  /** Gives the instances, and again after each change; ends when they must be read anew. */
  async *#changes(
    entries: readonly KeyValue[],
    revision: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Instance[], void, undefined> {
    const { client, prefix } = this.#parts;
    const known = new Map(entries.map((entry) => [entry.keyString(), entry]));
    const options = { startRevision: revision + 1n, timeoutMs: 0, signal };
    await using watch = client.watch({ prefix }, options);
    yield this.#instances(known);
    try {
      for await (const { events } of watch.batches()) {
        for (const { type, entry } of events) {
          if (type === 'put') known.set(entry.keyString(), entry);
          else known.delete(entry.keyString());
        }
        yield this.#instances(known);
      }
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
    }
  }

  #instances(known: ReadonlyMap<string, KeyValue>): readonly Instance[] {
    const { prefix, unhealthy } = this.#parts;
    return [...known.values()]
      .flatMap((entry) => readInstance(entry, prefix) ?? [])
      .filter(({ health }) => unhealthy || health === 'serving')
      .sort((a, b) => (a.revision < b.revision ? -1 : 1));
  }
}
