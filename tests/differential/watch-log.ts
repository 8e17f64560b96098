import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { toJson } from '@bufbuild/protobuf';
import { EventSchema, type WatchResponse, WatchResponseSchema } from '@kvorum/api';
import type { TestClient } from '../framework/client.ts';
import { eventually, within } from '../framework/eventually.ts';
import { knownDifference } from '../framework/known-differences.ts';
import { WatchStream } from '../framework/watch-stream.ts';

/** Watches this key on every stream, so that a put of it shows when a stream is up to date. */
export const barrierKey = Buffer.from('barrier');
const barrierWatchId = 1_000_000n;
const noWatchId = -1n;

/** One watch stream, and what each of its watchers was told. */
export class WatchLog {
  /** What should never happen, such as a revision whose events come in two responses. */
  readonly violations: string[] = [];
  /** Ids of all watchers ever created, in order. */
  readonly created: bigint[] = [];
  readonly #stream: WatchStream;
  readonly #entries = new Map<bigint, JsonValue[]>();
  readonly #live = new Set<bigint>();
  /** Watchers that compaction ended, and that were cancelled once more since. */
  readonly #endedByCompaction = new Set<bigint>();
  /** By watcher: the last revision it was told about, unless more of that revision is to come. */
  readonly #closedRevision = new Map<bigint, bigint>();
  #creation = Promise.withResolvers<WatchResponse>();
  #barrierRevision = 0n;
  #progressRevision = 0n;

  private constructor(client: TestClient) {
    this.#stream = new WatchStream(client, (response) => this.#take(response));
  }

  /** Opens a stream; resolves when its barrier is in place. */
  static async open(client: TestClient): Promise<WatchLog> {
    const log = new WatchLog(client);
    await log.create({ key: barrierKey, watchId: barrierWatchId });
    return log;
  }

  /** Creates a watcher and resolves with the answer. */
  async create(value: { readonly key: Uint8Array; readonly watchId: bigint }): Promise<JsonObject> {
    this.#creation = Promise.withResolvers();
    this.#stream.send({ case: 'createRequest', value });
    const response = await within('the creation of a watcher', this.#creation.promise);
    return toJson(WatchResponseSchema, response) as JsonObject;
  }

  /** Asks for the end of a watcher; resolves when it is confirmed, at once when there is none to end. */
  async cancel(watchId: bigint): Promise<void> {
    this.#stream.send({ case: 'cancelRequest', value: { watchId } });
    await eventually(`the end of watcher ${watchId}`, () => !this.#live.has(watchId));
  }

  /** Resolves when a put of the barrier key at this revision was seen. */
  async barrier(revision: bigint): Promise<void> {
    await eventually(`the barrier ${revision}`, () => this.#barrierRevision >= revision);
  }

  /** Resolves when the member says that all watchers have been told everything up to a revision. */
  async progress(revision: bigint): Promise<void> {
    // While a watcher catches up the member says nothing, so it is asked again.
    await eventually(`progress to ${revision}`, () => {
      if (this.#progressRevision >= revision) return true;
      this.#stream.send({ case: 'progressRequest', value: {} });
      return false;
    });
  }

  /** Watchers that have not ended. */
  get live(): readonly bigint[] {
    return [...this.#live].sort();
  }

  /** By watcher, everything since the last call of `forget`. */
  entries(): JsonObject {
    const ids = [...this.#entries.keys()].sort();
    return Object.fromEntries(ids.map((id) => [`${id}`, this.#entries.get(id) ?? []]));
  }

  forget(): void {
    this.#entries.clear();
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  #take(response: WatchResponse): void {
    const { watchId, header } = response;
    if (response.created) {
      if (!response.canceled) this.#live.add(watchId);
      // An id can be used again.
      this.#closedRevision.delete(watchId);
      this.#endedByCompaction.delete(watchId);
      if (!response.canceled && watchId !== barrierWatchId) this.created.push(watchId);
      this.#creation.resolve(response);
    } else if (watchId === noWatchId) {
      this.#progressRevision = header?.revision ?? 0n;
    } else if (response.canceled) {
      this.#takeEnd(response);
    } else {
      this.#takeEvents(response);
    }
  }

  #takeEnd(response: WatchResponse): void {
    const { watchId, compactRevision } = response;
    this.#live.delete(watchId);
    if (compactRevision !== 0n) {
      knownDifference('cancel-after-compaction');
      this.#endedByCompaction.add(watchId);
      this.#stream.send({ case: 'cancelRequest', value: { watchId } });
    } else if (this.#endedByCompaction.delete(watchId)) return;
    this.#note(watchId, toJson(WatchResponseSchema, response));
  }

  #takeEvents({ watchId, header, events, fragment }: WatchResponse): void {
    const first = events[0]?.kv?.modRevision ?? 0n;
    const last = events.at(-1)?.kv?.modRevision ?? 0n;
    if (first <= (this.#closedRevision.get(watchId) ?? 0n)) {
      this.violations.push(`watcher ${watchId}: revision ${first} comes again`);
    }
    if ((header?.revision ?? 0n) < last) {
      this.violations.push(`watcher ${watchId}: revision ${last} in an older response`);
    }
    this.#closedRevision.set(watchId, fragment ? last - 1n : last);
    if (watchId === barrierWatchId) this.#barrierRevision = last;
    else for (const event of events) this.#note(watchId, toJson(EventSchema, event));
  }

  #note(watchId: bigint, entry: JsonValue): void {
    const entries = this.#entries.get(watchId);
    if (entries === undefined) this.#entries.set(watchId, [entry]);
    else entries.push(entry);
  }
}
