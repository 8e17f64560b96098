import type { ApplyBatch } from './apply-batch.ts';
import { historyKeySize, writeHistoryKey } from './history-key.ts';
import { invariant } from './invariant.ts';
import { KeyMeta } from './key-meta.ts';
import { type KeyRange, keyRangeOf } from './key-range.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';
import { keyValueSize, varintSize, writeKeyValue } from './key-value.ts';
import type { Overlay } from './overlay.ts';
import type { RangeQuery, RangeResult } from './range-query.ts';
import { RangeReader, type RangeView } from './range-reader.ts';
import {
  FLAG_TOMBSTONE,
  REV_KEY_SIZE,
  REVS_TRAILER_SIZE,
  writeRevsTrailer,
  writeUint32,
  writeUint64,
} from './revision-row.ts';
import { readSingle } from './single-read.ts';
import { StoreEvent } from './store-event.ts';
import type { StoreState } from './store-state.ts';
import { LatestCursor } from './version-cursor.ts';

const NO_BYTES = new Uint8Array(0);
const HISTORY_LIVE = new Uint8Array([0]);
const HISTORY_TOMBSTONE = new Uint8Array([FLAG_TOMBSTONE]);

/**
 * The changes of one request. They share one main revision, which the first change takes; a transaction
 * that changes nothing leaves the revision alone. There is no way back: all checks come before the first
 * change, as a half-applied request can't be undone.
 */
export class WriteTxn implements RangeView {
  /** Revision of the store when the transaction began. */
  readonly revisionBefore: number;
  readonly #batch: ApplyBatch;
  /** Changes so far: the next sub revision. */
  #changes = 0;
  #open = true;

  /** @internal Use `ApplyBatch.begin()`. */
  constructor(batch: ApplyBatch) {
    this.#batch = batch;
    this.revisionBefore = batch.revision;
  }

  /** @internal */
  get state(): StoreState {
    return this.#batch.state;
  }

  /** Whether anything was changed so far. */
  get changed(): boolean {
    return this.#changes > 0;
  }

  /** Newest revision that the transaction sees: its own once it has changed something. */
  get revision(): number {
    return this.#changes > 0 ? this.revisionBefore + 1 : this.revisionBefore;
  }

  /** Oldest readable revision; -1 before any compaction. */
  get compactRevision(): number {
    return this.#batch.compactRevision;
  }

  /**
   * Puts a key and attaches it to `lease` (0n: to none). Key and value are copied. Returns the version
   * that was replaced.
   */
  put(key: Uint8Array, value: Uint8Array, lease: bigint): { prev: KeyMeta | undefined } {
    invariant(this.#open, 'the transaction is open');
    invariant(key.length > 0, 'a key has bytes');
    const batch = this.#batch;
    const keyText = keyTextOf(key);
    const prev = batch.latest(keyText);
    const main = this.revisionBefore + 1;
    const sub = this.#changes++;
    const create = prev === null ? main : prev.createRevision;
    const version = prev === null ? 1 : prev.version + 1;
    const wire = this.#append(keyText, key, create, main, version, value, lease, sub, prev);
    const meta = new KeyMeta(keyText, create, main, sub, version, lease, wire.length, wire);
    batch.overlay.set(keyText, meta);
    if (prev === null) batch.noteLife(keyText, true);
    batch.moveLease(keyText, prev === null ? 0n : prev.lease, lease);
    return { prev: prev ?? undefined };
  }

  /**
   * Deletes the keys of a range (`RangeQuery` says how key and end are meant) in key order. Returns what
   * they were; nothing found changes nothing.
   */
  deleteRange(key: Uint8Array, rangeEnd: Uint8Array | undefined): KeyMeta[] {
    invariant(this.#open, 'the transaction is open');
    const range = keyRangeOf(key, rangeEnd);
    const found = this.#liveIn(range);
    for (const meta of found) this.#delete(meta);
    return found;
  }

  /** Answers a query with what the transaction has done so far. Throws like `Store.range`. */
  range(query: RangeQuery): RangeResult {
    if (query.rangeEnd === undefined || query.rangeEnd.length === 0) return readSingle(this, query);
    const reader = new RangeReader(this, query);
    while (!reader.step(Number.MAX_SAFE_INTEGER));
    return reader.result();
  }

  /** The latest version of a key with what the transaction has done so far. */
  get(keyText: string): KeyMeta | undefined {
    return this.#batch.latest(keyText) ?? undefined;
  }

  /** The whole KeyValue of a version that this transaction returned. */
  wireOf(meta: KeyMeta): Uint8Array {
    return this.#batch.state.wireOf(meta);
  }

  /** Ends the transaction and returns the revision of the store after it. */
  end(): number {
    invariant(this.#open, 'the transaction is open');
    this.#open = false;
    const { revision } = this;
    this.#batch.ended(revision);
    return revision;
  }

  /** @internal */
  overlayAt(revision: number): Overlay | undefined {
    return this.#batch.overlayAt(revision);
  }

  #liveIn(range: KeyRange): KeyMeta[] {
    if (range.single) {
      const meta = this.#batch.latest(range.lo);
      return meta === null ? [] : [meta];
    }
    if (range.hi !== undefined && range.hi <= range.lo) return [];
    const { engine } = this.#batch.state;
    const cursor = new LatestCursor(engine, range, false, this.#batch.overlay, 0);
    const found: KeyMeta[] = [];
    while (cursor.next()) found.push(cursor.meta());
    cursor.close();
    return found;
  }

  #delete(prev: KeyMeta): void {
    const batch = this.#batch;
    const { keyText } = prev;
    const main = this.revisionBefore + 1;
    const sub = this.#changes++;
    const key = keyBytesOf(keyText);
    this.#append(keyText, key, 0, 0, 0, NO_BYTES, 0n, sub, prev);
    this.#writeHistory(key, main, sub, HISTORY_TOMBSTONE);
    batch.overlay.set(keyText, null);
    batch.noteLife(keyText, false);
    batch.moveLease(keyText, prev.lease, 0n);
  }

  /**
   * Writes the row of `revs` for one change, notes in `history` that `prev` is no longer the latest, and
   * makes the event. A `mod` of 0 makes a tombstone. Returns the KeyValue as stored; the bytes behind it
   * are its trailer.
   */
  #append(
    keyText: string,
    key: Uint8Array,
    create: number,
    mod: number,
    version: number,
    value: Uint8Array,
    lease: bigint,
    sub: number,
    prev: KeyMeta | null,
  ): Uint8Array {
    const { events, writes, state } = this.#batch;
    const main = this.revisionBefore + 1;
    const deleted = mod === 0;
    const prevMain = prev === null ? 0 : prev.modRevision;
    const prevSub = prev === null ? 0 : prev.sub;
    const size = keyValueSize(key.length, create, mod, version, value.length, lease);
    const at = state.arena.take(size + REVS_TRAILER_SIZE);
    const { buffer, memory } = state.arena;
    writeKeyValue(buffer, at, key, create, mod, version, value, lease);
    const flags = deleted ? FLAG_TOMBSTONE : 0;
    writeRevsTrailer(buffer, at + size, sub, flags, prevMain, prevSub);
    const row = new Uint8Array(memory, at, size + REVS_TRAILER_SIZE);
    writes.put('revs', this.#revKey(main, sub), row);
    if (prev !== null) this.#writeHistory(key, prevMain, prevSub, HISTORY_LIVE);
    const wire = new Uint8Array(memory, at, size);
    const ownKey = new Uint8Array(memory, at + 1 + varintSize(key.length), key.length);
    const kv = deleted ? this.#deletedKv(key, main) : wire;
    const prevWire = prev === null ? undefined : prev.wire;
    events.push(
      new StoreEvent(main, sub, deleted, ownKey, keyText, kv, prevMain, prevSub, prevWire),
    );
    return wire;
  }

  #revKey(main: number, sub: number): Uint8Array {
    const { arena } = this.#batch.state;
    const at = arena.take(REV_KEY_SIZE);
    writeUint64(arena.buffer, at, main);
    writeUint32(arena.buffer, at + 8, sub);
    return new Uint8Array(arena.memory, at, REV_KEY_SIZE);
  }

  #writeHistory(key: Uint8Array, main: number, sub: number, flags: Uint8Array): void {
    const { arena } = this.#batch.state;
    const size = historyKeySize(key);
    const at = arena.take(size);
    writeHistoryKey(arena.buffer, at, key, main, sub);
    this.#batch.writes.put('history', new Uint8Array(arena.memory, at, size), flags);
  }

  /** The KeyValue of a DELETE event: key and mod_revision. */
  #deletedKv(key: Uint8Array, main: number): Uint8Array {
    const { arena } = this.#batch.state;
    const size = keyValueSize(key.length, 0, main, 0, 0, 0n);
    const at = arena.take(size);
    writeKeyValue(arena.buffer, at, key, 0, main, 0, NO_BYTES, 0n);
    return new Uint8Array(arena.memory, at, size);
  }
}
