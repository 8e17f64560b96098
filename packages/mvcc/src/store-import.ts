import type { Engine, EngineBatch } from './engine.ts';
import { MvccError } from './errors.ts';
import { historyKeyOf } from './history-key.ts';
import { invariant } from './invariant.ts';
import { KeyMeta } from './key-meta.ts';
import { keyTextOf } from './key-text.ts';
import { encodeKeyValue, type KeyValue } from './key-value.ts';
import {
  DEFAULT_INLINE_VALUE_BYTES,
  encodeInlineRow,
  encodeLargeRow,
  isInlineSize,
} from './keys-row.ts';
import { Lease } from './lease/lease.ts';
import { encodeLease } from './lease/lease-row.ts';
import { leaseIdBytes, leaseKeyOf } from './lease-key.ts';
import {
  encodeMetaRevision,
  META_CURRENT_REVISION,
  META_FINISHED_COMPACT,
  META_SCHEDULED_COMPACT,
  metaKeyOf,
} from './meta-rows.ts';
import type { LatestEntry } from './overlay.ts';
import {
  FLAG_TOMBSTONE,
  metaOfKeysRow,
  REVS_TRAILER_SIZE,
  revKeyOf,
  writeRevsTrailer,
} from './revision-row.ts';

/** Revisions, and bytes of them, that are written together. */
const BATCH_REVISIONS = 1000;
const BATCH_BYTES = 4 * 1024 * 1024;
const NO_BYTES = new Uint8Array(0);
const MAX_SUB = 0xffff_ffff;

/** One change of a key, as another store recorded it. */
export interface ImportedRevision {
  readonly main: number;
  readonly sub: number;
  readonly isTombstone: boolean;
  /** The key and what it became; of a tombstone the key alone counts. The bytes must not change until `finish`. */
  readonly kv: KeyValue;
}

/** What had been compacted; -1 stands for never. */
export interface ImportedCompaction {
  /** Oldest readable revision. It may be above all that was added: the store is at this revision then. */
  readonly scheduledRevision: number;
  /** Revision up to which nothing is left to be removed. */
  readonly finishedRevision: number;
}

/**
 * Fills an empty engine with what another store has recorded: its revisions in ascending order, compacted ones missing,
 * then leases and named rows. Nothing is made up: numbers, leases and tombstones stay as they were. Memory holds one
 * batch, whatever the size of the store.
 */
export class StoreImport {
  readonly #engine: Engine;
  readonly #inlineValueBytes: number;
  #pending: ImportedRevision[] = [];
  #pendingBytes = 0;
  #main = 0;
  #sub = 0;

  /** `inlineValueBytes` as in `StoreOptions`. */
  constructor(engine: Engine, inlineValueBytes = DEFAULT_INLINE_VALUE_BYTES) {
    this.#engine = engine;
    this.#inlineValueBytes = inlineValueBytes;
  }

  /** Newest revision so far; 0 for none. */
  get newestRevision(): number {
    return this.#main;
  }

  /**
   * Adds one revision. Throws `MvccError` "corrupt" when it contradicts itself or does not come after those before, and
   * "engine" when the disk refuses.
   */
  add(revision: ImportedRevision): void {
    const { main, sub, isTombstone, kv } = revision;
    const name = `revision ${main}/${sub}`;
    if (main < 1 || main < this.#main || (main === this.#main && sub <= this.#sub)) {
      throw new MvccError('corrupt', `${name} comes after ${this.#main}/${this.#sub}`);
    }
    if (sub > MAX_SUB) throw new MvccError('corrupt', `${name} has too many changes`);
    if (kv.key.length === 0) throw new MvccError('corrupt', `${name} has no key`);
    const { createRevision, modRevision, version } = kv;
    const isSound = modRevision === main && createRevision > 0 && createRevision <= main;
    if (!isTombstone && (!isSound || version < 1)) {
      const numbers = `create ${createRevision}, mod ${modRevision}, version ${version}`;
      throw new MvccError('corrupt', `${name} holds a key with other numbers: ${numbers}`);
    }
    this.#main = main;
    this.#sub = sub;
    this.#pending.push(revision);
    this.#pendingBytes += kv.key.length + kv.value.length;
    if (this.#pending.length >= BATCH_REVISIONS || this.#pendingBytes >= BATCH_BYTES) this.#flush();
  }

  /** Adds a lease; `remainingSeconds` is 0 when it has its whole TTL. */
  addLease(id: bigint, ttlSeconds: number, remainingSeconds: number): void {
    const batch = this.#engine.batch();
    batch.put('leases', leaseIdBytes(id), encodeLease(new Lease(id, ttlSeconds, remainingSeconds)));
    batch.write();
  }

  /** Sets a named row of the store's user. */
  putMeta(name: string, value: Uint8Array): void {
    this.putMetaRow(metaKeyOf(name), value);
  }

  /** The same for a name of any bytes. */
  putMetaRow(name: Uint8Array, value: Uint8Array): void {
    const batch = this.#engine.batch();
    batch.put('meta', name, value);
    batch.write();
  }

  /** Writes what is left; everything is durable on return, and the engine is one that `Store.open` takes. */
  finish({ scheduledRevision, finishedRevision }: ImportedCompaction): void {
    invariant(finishedRevision <= scheduledRevision, 'nothing is removed that was not compacted');
    this.#flush();
    const batch = this.#engine.batch();
    const put = (name: string, value: number) =>
      batch.put('meta', metaKeyOf(name), encodeMetaRevision(value));
    put(META_CURRENT_REVISION, Math.max(this.#main, 1, scheduledRevision));
    if (scheduledRevision >= 0) put(META_SCHEDULED_COMPACT, scheduledRevision);
    if (finishedRevision >= 0) put(META_FINISHED_COMPACT, finishedRevision);
    batch.write();
    this.#engine.sync();
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    const latest = this.#latestOf(pending);
    const batch = this.#engine.batch();
    const changed = new Map<string, { key: Uint8Array; row: Uint8Array | undefined }>();
    for (const revision of pending) {
      const { main, sub, isTombstone } = revision;
      const key = revision.kv.key.slice();
      const keyText = keyTextOf(key);
      const prev = latest.get(keyText) ?? null;
      const wire = encodeKeyValue(isTombstone ? tombstoneOf(key) : revision.kv);
      batch.put('revs', revKeyOf(main, sub), revsRow(wire, revision, prev));
      if (prev !== null) {
        batch.put('history', historyKeyOf(key, prev.modRevision, prev.sub), Uint8Array.of(0));
      }
      const meta = isTombstone ? null : metaOf(keyText, revision, wire.length);
      if (meta === null) {
        batch.put('history', historyKeyOf(key, main, sub), Uint8Array.of(FLAG_TOMBSTONE));
      }
      moveLease(batch, keyText, prev?.lease ?? 0n, meta?.lease ?? 0n);
      latest.set(keyText, meta);
      changed.set(keyText, {
        key,
        row: meta === null ? undefined : this.#keysRow(meta, key, wire),
      });
    }
    for (const { key, row } of changed.values()) {
      if (row === undefined) batch.delete('keys', key);
      else batch.put('keys', key, row);
    }
    batch.write();
  }

  /** The latest versions of the keys that are about to change, read with one call. */
  #latestOf(pending: readonly ImportedRevision[]): Map<string, LatestEntry> {
    const keys = new Map(pending.map(({ kv }) => [keyTextOf(kv.key), kv.key]));
    const rows = this.#engine.getMany('keys', [...keys.values()]);
    const latest = new Map<string, LatestEntry>();
    for (const [i, keyText] of [...keys.keys()].entries()) {
      const row = rows[i];
      if (row !== undefined) latest.set(keyText, metaOfKeysRow(keyText, row));
    }
    return latest;
  }

  #keysRow(meta: KeyMeta, key: Uint8Array, wire: Uint8Array): Uint8Array {
    const isInline = isInlineSize(wire.length, key.length, this.#inlineValueBytes);
    return isInline ? encodeInlineRow(wire, meta.sub) : encodeLargeRow(meta, key);
  }
}

function tombstoneOf(key: Uint8Array): KeyValue {
  return { key, createRevision: 0, modRevision: 0, version: 0, value: NO_BYTES, lease: 0n };
}

function metaOf(keyText: string, { main, sub, kv }: ImportedRevision, wireSize: number): KeyMeta {
  const { createRevision, version, lease } = kv;
  return new KeyMeta(keyText, createRevision, main, sub, version, lease, wireSize, undefined);
}

function revsRow(
  wire: Uint8Array,
  { sub, isTombstone }: ImportedRevision,
  prev: KeyMeta | null,
): Uint8Array {
  const row = new Uint8Array(wire.length + REVS_TRAILER_SIZE);
  row.set(wire);
  const flags = isTombstone ? FLAG_TOMBSTONE : 0;
  writeRevsTrailer(row, wire.length, sub, flags, prev?.modRevision ?? 0, prev?.sub ?? 0);
  return row;
}

function moveLease(batch: EngineBatch, keyText: string, from: bigint, to: bigint): void {
  if (from === to) return;
  if (from !== 0n) batch.delete('leasekeys', leaseKeyOf(from, keyText));
  if (to !== 0n) batch.put('leasekeys', leaseKeyOf(to, keyText), NO_BYTES);
}
