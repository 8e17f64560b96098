import type { ApplyBatch, Engine } from '@kvorum/mvcc';
import { listMeta } from '../apply/meta-rows.ts';
import { V2Error } from './v2-error.ts';
import type { V2Action, V2Event } from './v2-event.ts';
import type { V2Watch } from './watcher-hub.ts';

/** Events that are remembered for watchers that ask for the past, as in etcd. */
export const HISTORY_EVENTS = 1000;

const ROW_PREFIX = 'v2/event/';

/** What has to be known of an event to find it; its body is on disk. */
type Remembered = Omit<V2Event, 'json'>;

/**
 * The last events, one for each index. They are rows, so that a restart forgets none; in memory is what a search looks
 * at.
 *
 *   v2/event/SLOT   JSON of `Remembered`, a line's end, the body. SLOT is the index modulo 1000.
 */
export class EventHistory {
  #slots = new Map<number, Remembered>();
  #lastIndex = 0;

  /** Replaces everything by what the rows say. */
  load(engine: Engine): void {
    this.#slots.clear();
    this.#lastIndex = 0;
    for (const [, row] of listMeta(engine, ROW_PREFIX)) {
      const event = JSON.parse(headOf(row)) as Remembered;
      this.#slots.set(event.index % HISTORY_EVENTS, event);
      this.#lastIndex = Math.max(this.#lastIndex, event.index);
    }
  }

  /** The oldest index that is remembered; 0 before the first event. */
  get startIndex(): number {
    if (this.#slots.size === 0) return 0;
    return this.#lastIndex - this.#slots.size + 1;
  }

  add(batch: ApplyBatch, event: V2Event): void {
    const { json, ...remembered } = event;
    const slot = event.index % HISTORY_EVENTS;
    batch.putRow('meta', rowKey(slot), Buffer.from(`${JSON.stringify(remembered)}\n${json}`));
    this.#slots.set(slot, remembered);
    this.#lastIndex = event.index;
  }

  /**
   * All events that `find` finds, one after the other: the first, and for a stream those that follow. Throws as `find`.
   */
  findAll(engine: Engine, watch: V2Watch, currentIndex: number): V2Event[] {
    const { path, isRecursive, isStream, sinceIndex } = watch;
    const events: V2Event[] = [];
    let event = this.find(engine, path, isRecursive, sinceIndex, currentIndex);
    while (event !== undefined) {
      events.push(event);
      if (!isStream) break;
      event = this.find(engine, path, isRecursive, BigInt(event.index + 1), currentIndex);
    }
    return events;
  }

  /**
   * The first event at or behind `index` that a watcher of `path` would have been told of; undefined when there is none
   * yet. `currentIndex` is the store's. Throws `V2Error` 401 for an index that is forgotten.
   */
  find(
    engine: Engine,
    path: string,
    isRecursive: boolean,
    index: bigint,
    currentIndex: number,
  ): V2Event | undefined {
    const { startIndex } = this;
    if (index < BigInt(startIndex)) {
      const reason = `the requested history has been cleared [${startIndex}/${index}]`;
      throw new V2Error(401, reason, currentIndex);
    }
    if (index > BigInt(this.#lastIndex)) return undefined;
    for (let at = Number(index); at <= this.#lastIndex; at++) {
      const slot = at % HISTORY_EVENTS;
      const event = this.#slots.get(slot);
      if (event === undefined || !isOf(event, path, isRecursive)) continue;
      const row = engine.get('meta', rowKey(slot));
      if (row !== undefined) return { ...event, json: bodyOf(row) };
    }
    return undefined;
  }
}

/**
 * Whether a search finds an event. As in etcd it is less exact than a watcher that waits: it finds hidden keys, and the
 * end of a directory for all paths that begin as its does.
 */
function isOf(event: Remembered, path: string, isRecursive: boolean): boolean {
  if (event.isRefresh) return false;
  if (event.path === path) return true;
  if (isRecursive && event.path.startsWith(path === '/' ? path : `${path}/`)) return true;
  return event.isDirGone && isDeletion(event.action) && path.startsWith(event.path);
}

function isDeletion(action: V2Action): boolean {
  return action === 'delete' || action === 'expire';
}

function rowKey(slot: number): Buffer {
  return Buffer.from(`${ROW_PREFIX}${String(slot).padStart(3, '0')}`);
}

function headOf(row: Uint8Array): string {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.length);
  return bytes.toString('utf8', 0, bytes.indexOf(10));
}

function bodyOf(row: Uint8Array): string {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.length);
  return bytes.toString('utf8', bytes.indexOf(10) + 1);
}
