import type { Column, EngineBatch } from './engine.ts';
import { MvccError } from './errors.ts';
import { invariant } from './invariant.ts';
import { KeyMeta } from './key-meta.ts';
import { prefixRangeEnd } from './key-range.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';
import { KeyValueParts, varintSize } from './key-value.ts';
import { encodeLargeRow, isInlineSize } from './keys-row.ts';
import { attachedKeys, LEASE_ID_SIZE, leaseIdBytes, leaseKeyOf } from './lease-key.ts';
import {
  encodeMetaRevision,
  META_CURRENT_REVISION,
  META_SCHEDULED_COMPACT,
  metaKeyOf,
} from './meta-rows.ts';
import { type LatestEntry, Overlay } from './overlay.ts';
import type { RangeView } from './range-reader.ts';
import { KEYS_TRAILER_SIZE } from './revision-row.ts';
import type { StoreEvent } from './store-event.ts';
import type { StoreState } from './store-state.ts';
import { WriteTxn } from './write-txn.ts';

const NO_BYTES = new Uint8Array(0);

/** What a batch hands over when it was written. */
export interface CommittedBatch {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
  /** Newest compaction asked for; undefined for none. */
  readonly compactRevision: number | undefined;
}

/**
 * All that one turn of the apply loop changes: many requests, the rows of other columns that go with
 * them and the user's own metadata, in one write. Nobody outside sees any of it before `commit`, while
 * transactions of the batch see those before them.
 */
export class ApplyBatch implements RangeView {
  /** @internal */
  readonly state: StoreState;
  /** @internal Changes of the latest versions. */
  readonly overlay = new Overlay();
  /** @internal */
  readonly events: StoreEvent[] = [];
  /** @internal */
  readonly writes: EngineBatch;
  /** Newest revision with what this batch did so far. */
  revision: number;
  readonly #done: (batch: CommittedBatch | undefined) => void;
  /** Rows of the small columns that this batch wrote (null: deleted), by column and latin1 text. */
  readonly #rows = new Map<Column, Map<string, Uint8Array | null>>();
  /** Keys that came to life and keys that were deleted, for the count index. */
  readonly #born: string[] = [];
  readonly #died: string[] = [];
  /** Keys known not to exist in the committed state. */
  readonly #absent = new Set<string>();
  #compactRevision: number | undefined;
  #txn: WriteTxn | undefined;
  #open = true;

  /** @internal Use `Store.batch()`; `done` is told how the batch ended. */
  constructor(state: StoreState, done: (batch: CommittedBatch | undefined) => void) {
    this.state = state;
    this.revision = state.revision;
    this.writes = state.engine.batch();
    this.#done = done;
  }

  /** Oldest readable revision with what this batch did so far; -1 before any compaction. */
  get compactRevision(): number {
    return this.#compactRevision ?? this.state.compactRevision;
  }

  /**
   * Loads the latest versions of keys, given as bytes or as latin1 texts, with one read. Worth a call with
   * all keys that the batch is going to write, as one by one they cost several times as much.
   */
  prefetch(keys: readonly (Uint8Array | string)[]): void {
    this.state.prefetch(keys, this.#absent);
  }

  /** Starts a transaction; the one before must have ended. */
  begin(): WriteTxn {
    invariant(this.#open, 'the batch is open');
    invariant(this.#txn === undefined, 'one transaction at a time');
    this.#txn = new WriteTxn(this);
    return this.#txn;
  }

  /**
   * Makes `revision` the oldest readable one. What only older ones show is removed in the background
   * after the commit. Throws `MvccError` "compacted" unless it lies above the last compacted revision,
   * and "futureRevision" if it does not exist yet.
   */
  compact(revision: number): void {
    invariant(this.#txn === undefined, 'no transaction is open');
    if (revision <= this.compactRevision) {
      throw new MvccError('compacted', `revision ${revision} has been compacted`);
    }
    if (revision > this.revision) {
      throw new MvccError('futureRevision', `revision ${revision} is above ${this.revision}`);
    }
    this.#compactRevision = revision;
    this.#putStoreMeta(META_SCHEDULED_COMPACT, revision);
  }

  /** A named row of the user, as this batch sees it. */
  getMeta(name: string): Uint8Array | undefined {
    return this.getRow('meta', metaKeyOf(name));
  }

  /** Sets a named row; the name must not be one of the store's own (`meta-rows.ts`). */
  putMeta(name: string, value: Uint8Array): void {
    this.putRow('meta', metaKeyOf(name), value);
  }

  /** Deletes a row of the column `meta`. */
  deleteMeta(name: string): void {
    this.deleteRow('meta', metaKeyOf(name));
  }

  /** A row of one of the small columns (`meta`, `leases`, `leasekeys`), as this batch sees it. */
  getRow(column: Column, key: Uint8Array): Uint8Array | undefined {
    const changed = this.#rows.get(column)?.get(keyTextOf(key));
    if (changed !== undefined) return changed ?? undefined;
    return this.state.engine.get(column, key);
  }

  /**
   * The rows of one of the small columns whose keys begin with `prefix`, in byte order, as this batch sees them at the
   * call of the first; `prefix` must not end with ff.
   */
  *rows(column: Column, prefix: Uint8Array): Generator<[key: Uint8Array, value: Uint8Array]> {
    const changed = this.#changedRows(column, keyTextOf(prefix));
    let next = 0;
    const scan = this.state.engine.scan(column, { gte: prefix, lt: prefixRangeEnd(prefix) });
    try {
      for (let page = scan.next(256); page.length > 0; page = scan.next(256)) {
        for (let i = 0; i + 1 < page.length; i += 2) {
          const key = page[i] as Uint8Array;
          const keyText = keyTextOf(key);
          for (; next < changed.length && (changed[next]?.[0] ?? '') < keyText; next++) {
            yield* rowOf(changed[next]);
          }
          if (changed[next]?.[0] === keyText) yield* rowOf(changed[next++]);
          else yield [key, page[i + 1] as Uint8Array];
        }
      }
      for (; next < changed.length; next++) yield* rowOf(changed[next]);
    } finally {
      scan.close();
    }
  }

  /** Sets a row of one of the small columns. The bytes are taken over. */
  putRow(column: Column, key: Uint8Array, value: Uint8Array): void {
    this.#setRow(column, key, value);
    this.writes.put(column, key, value);
  }

  /** Deletes a row of one of the small columns. */
  deleteRow(column: Column, key: Uint8Array): void {
    this.#setRow(column, key, null);
    this.writes.delete(column, key);
  }

  /** Latin1 texts of the keys attached to a lease as this batch sees it, in byte order. */
  leaseKeys(lease: bigint): string[] {
    const committed = attachedKeys(this.state.engine, lease);
    const changed = this.#rows.get('leasekeys');
    if (changed === undefined) return committed;
    const prefix = keyTextOf(leaseIdBytes(lease));
    const keyTexts = new Set(committed);
    for (const [rowText, value] of changed) {
      if (!rowText.startsWith(prefix)) continue;
      const keyText = rowText.slice(LEASE_ID_SIZE);
      if (value === null) keyTexts.delete(keyText);
      else keyTexts.add(keyText);
    }
    return [...keyTexts].sort(compareTexts);
  }

  /**
   * Writes everything at once, makes it visible and hands the events to the listeners. With `sync` it is
   * durable on return. Throws `MvccError` "engine" when the disk refuses; the store is then as before
   * the batch.
   */
  commit(options?: { readonly sync?: boolean }): void {
    invariant(this.#open, 'the batch is open');
    invariant(this.#txn === undefined, 'no transaction is open');
    this.#open = false;
    for (const [keyText, entry] of this.overlay.entries) this.#writeLatest(keyText, entry);
    if (this.revision > this.state.revision) {
      this.#putStoreMeta(META_CURRENT_REVISION, this.revision);
    }
    try {
      this.writes.write(options);
    } catch (error) {
      this.#done(undefined);
      throw error;
    }
    this.#updateCaches();
    const { revision, events } = this;
    this.#done({ revision, events, compactRevision: this.#compactRevision });
  }

  /** Forgets the batch: the store is as before it. */
  abandon(): void {
    invariant(this.#open, 'the batch is open');
    this.#open = false;
    this.#done(undefined);
  }

  /** @internal The latest version of a key as this batch sees it, or `null`. */
  latest(keyText: string): LatestEntry {
    const changed = this.overlay.get(keyText);
    if (changed !== undefined) return changed;
    return this.#absent.has(keyText) ? null : this.state.latest(keyText);
  }

  /** @internal */
  overlayAt(revision: number): Overlay | undefined {
    if (this.events.length === 0) return undefined;
    const last = this.events[this.events.length - 1];
    if (last !== undefined && last.main <= revision) return this.overlay;
    // Rare: a transaction reads at the revision of an earlier one of its own batch.
    const overlay = new Overlay();
    for (const event of this.events) {
      if (event.main > revision) break;
      overlay.set(event.keyText, event.deleted ? null : metaOfEvent(event));
    }
    return overlay;
  }

  /** @internal Notes that a key now exists or no longer does. */
  noteLife(keyText: string, alive: boolean): void {
    if (alive) this.#born.push(keyText);
    else this.#died.push(keyText);
  }

  /** @internal Moves a key from one lease to another; 0n stands for none. */
  moveLease(keyText: string, from: bigint, to: bigint): void {
    if (from === to) return;
    if (from !== 0n) this.deleteRow('leasekeys', leaseKeyOf(from, keyText));
    if (to !== 0n) this.putRow('leasekeys', leaseKeyOf(to, keyText), NO_BYTES);
  }

  /** @internal A transaction has ended at `revision`. */
  ended(revision: number): void {
    this.revision = revision;
    this.#txn = undefined;
  }

  #writeLatest(keyText: string, entry: LatestEntry): void {
    if (entry === null) {
      this.writes.delete('keys', keyBytesOf(keyText));
      return;
    }
    const { wire } = entry;
    invariant(wire !== undefined, 'a version of this batch has its value');
    const { buffer, byteOffset, length } = wire;
    const keyStart = 1 + varintSize(keyText.length);
    const key = new Uint8Array(buffer, byteOffset + keyStart, keyText.length);
    // The trailer for `keys` lies right behind the KeyValue, where the row of `revs` put it.
    const row = this.#isInline(entry)
      ? new Uint8Array(buffer, byteOffset, length + KEYS_TRAILER_SIZE)
      : encodeLargeRow(entry, key);
    this.writes.put('keys', key, row);
  }

  #isInline(meta: KeyMeta): boolean {
    return isInlineSize(meta.wireSize, meta.keyText.length, this.state.inlineValueBytes);
  }

  #updateCaches(): void {
    const { cache, counts, blocks } = this.state;
    for (const [keyText, entry] of this.overlay.entries) {
      blocks.forget(keyText);
      cache.set(keyText, entry === null || this.#isInline(entry) ? entry : withoutWire(entry));
    }
    for (const keyText of this.#born) counts.add(keyText, 1);
    for (const keyText of this.#died) counts.add(keyText, -1);
  }

  #putStoreMeta(name: string, revision: number): void {
    this.writes.put('meta', metaKeyOf(name), encodeMetaRevision(revision));
  }

  /** What this batch wrote under a prefix, in order. */
  #changedRows(column: Column, prefix: string): ChangedRow[] {
    const changed: ChangedRow[] = [];
    for (const row of this.#rows.get(column) ?? [])
      if (row[0].startsWith(prefix)) changed.push(row);
    return changed.sort(([a], [b]) => compareTexts(a, b));
  }

  #setRow(column: Column, key: Uint8Array, value: Uint8Array | null): void {
    invariant(this.#open, 'the batch is open');
    invariant(
      column === 'meta' || column === 'leases' || column === 'leasekeys',
      'a row of a column that the store does not keep itself',
      { column },
    );
    let rows = this.#rows.get(column);
    if (rows === undefined) {
      rows = new Map();
      this.#rows.set(column, rows);
    }
    rows.set(keyTextOf(key), value);
  }
}

/** The latin1 text of a row's key, and its value; null when it was deleted. */
type ChangedRow = readonly [keyText: string, value: Uint8Array | null];

function* rowOf(changed: ChangedRow | undefined): Generator<[Uint8Array, Uint8Array]> {
  if (changed !== undefined && changed[1] !== null) yield [keyBytesOf(changed[0]), changed[1]];
}

function withoutWire(meta: KeyMeta): KeyMeta {
  const { keyText, createRevision, modRevision, sub, version, lease, wireSize } = meta;
  return new KeyMeta(
    keyText,
    createRevision,
    modRevision,
    sub,
    version,
    lease,
    wireSize,
    undefined,
  );
}

function metaOfEvent(event: StoreEvent): KeyMeta {
  const parts = new KeyValueParts(event.kv, event.kv.length);
  return new KeyMeta(
    event.keyText,
    parts.createRevision,
    parts.modRevision,
    event.sub,
    parts.version,
    parts.lease,
    event.kv.length,
    event.kv,
  );
}

function compareTexts(a: string, b: string): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
