import type { Engine, Scan } from './engine.ts';
import {
  escapeKey,
  historyEndOf,
  historySeekKey,
  keyOfHistoryKey,
  mainOfHistoryKey,
  subOfHistoryKey,
} from './history-key.ts';
import type { KeyMeta } from './key-meta.ts';
import type { KeyRange } from './key-range.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';
import type { LatestEntry, Overlay } from './overlay.ts';
import {
  FLAG_TOMBSTONE,
  hasInlineValue,
  keyTextOfKeysRow,
  metaOfKeysRow,
  wireOfKeysRow,
} from './revision-row.ts';

/** Versions of one key to step over before seeking past the rest of them. */
const STEPS_BEFORE_SEEK = 16;
const FIRST_PAGE_ENTRIES = 64;
const LARGEST_PAGE_ENTRIES = 512;
const NO_BYTES = new Uint8Array(0);

/** Walks the keys of a range that live at one revision, in key order or against it. */
export interface VersionCursor {
  /** The KeyValue of the current key, or undefined when only `revs` has it, at (main, sub). */
  readonly wire: Uint8Array | undefined;
  readonly main: number;
  readonly sub: number;
  /** Moves to the next key; false at the end. */
  next(): boolean;
  close(): void;
}

/** Entries of a scan one by one, read in pages that grow while the reader goes on. */
export class EntryReader {
  key: Uint8Array | undefined;
  value: Uint8Array = NO_BYTES;
  readonly #scan: Scan;
  #page: Uint8Array[] = [];
  #at = 0;
  #pageEntries: number;

  constructor(scan: Scan, expectedEntries: number) {
    this.#scan = scan;
    this.#pageEntries = pageEntriesFor(expectedEntries);
  }

  /** Moves on; false, with `key` undefined, at the end. */
  next(): boolean {
    if (this.#at >= this.#page.length) {
      this.#page = this.#scan.next(this.#pageEntries);
      this.#at = 0;
      this.#pageEntries = Math.min(LARGEST_PAGE_ENTRIES, this.#pageEntries * 4);
    }
    const key = this.#page[this.#at];
    const value = this.#page[this.#at + 1];
    this.#at += 2;
    this.key = key;
    if (key === undefined || value === undefined) return false;
    this.value = value;
    return true;
  }

  /** Goes on elsewhere; with `expectedEntries` the pages grow again from there. */
  seek(key: Uint8Array, expectedEntries?: number): void {
    this.#scan.seek(key);
    this.#page = [];
    this.#at = 0;
    if (expectedEntries !== undefined) this.#pageEntries = pageEntriesFor(expectedEntries);
  }

  close(): void {
    this.#scan.close();
  }
}

function pageEntriesFor(expectedEntries: number): number {
  return Math.min(LARGEST_PAGE_ENTRIES, Math.max(1, expectedEntries));
}

function rangeBounds(range: KeyRange): { gte: Uint8Array; lt: Uint8Array | undefined } {
  return {
    gte: keyBytesOf(range.lo),
    lt: range.hi === undefined ? undefined : keyBytesOf(range.hi),
  };
}

/** The newest versions: the committed ones, with what an open batch changed laid over them. */
export class LatestCursor implements VersionCursor {
  wire: Uint8Array | undefined;
  main = 0;
  sub = 0;
  readonly #rows: EntryReader;
  readonly #reverse: boolean;
  readonly #overlay: Overlay | undefined;
  readonly #changes: [string, LatestEntry][];
  #nextChange = 0;
  /** Text of the row that waits to be merged; undefined at the end. */
  #rowText: string | undefined;
  #started = false;
  /** What the current key was taken from: a row, or a change if there is one. */
  #row: Uint8Array = NO_BYTES;
  #change: KeyMeta | undefined;

  constructor(
    engine: Engine,
    range: KeyRange,
    reverse: boolean,
    overlay: Overlay | undefined,
    expectedEntries: number,
  ) {
    this.#reverse = reverse;
    this.#changes = overlay?.inRange(range) ?? [];
    this.#overlay = this.#changes.length === 0 ? undefined : overlay;
    if (reverse) this.#changes.reverse();
    // The KeyValue names its key; the row's own key matters only for merging.
    const valuesOnly = this.#overlay === undefined;
    const scan = engine.scan('keys', { ...rangeBounds(range), reverse, valuesOnly });
    const expected = Math.max(expectedEntries, 0) || FIRST_PAGE_ENTRIES;
    this.#rows = new EntryReader(scan, expected);
  }

  next(): boolean {
    if (this.#overlay === undefined) return this.#rows.next() && this.#takeRow();
    return this.#nextMerged(this.#overlay);
  }

  #nextMerged(overlay: Overlay): boolean {
    if (!this.#started) {
      this.#started = true;
      this.#moveRow(overlay);
    }
    for (;;) {
      const change = this.#changes[this.#nextChange];
      if (this.#rowText !== undefined && (change === undefined || this.#before(change[0]))) {
        this.#takeRow();
        this.#moveRow(overlay);
        return true;
      }
      if (change === undefined) return false;
      this.#nextChange++;
      if (change[1] !== null) return this.#takeChange(change[1]);
    }
  }

  #before(changeText: string): boolean {
    const rowText = this.#rowText ?? '';
    return this.#reverse ? rowText > changeText : rowText < changeText;
  }

  /** Moves to the next row that the batch did not change. */
  #moveRow(overlay: Overlay): void {
    do {
      this.#rowText = this.#rows.next() ? keyTextOf(this.#rows.key ?? this.#rows.value) : undefined;
    } while (this.#rowText !== undefined && overlay.entries.has(this.#rowText));
  }

  /** All that is known of the current key. */
  meta(): KeyMeta {
    return this.#change ?? metaOfKeysRow(keyTextOfKeysRow(this.#row), this.#row);
  }

  #takeRow(): true {
    const row = this.#rows.value;
    this.#row = row;
    this.#change = undefined;
    if (hasInlineValue(row)) this.wire = wireOfKeysRow(row);
    else this.#takeMeta(metaOfKeysRow('', row));
    return true;
  }

  #takeChange(meta: KeyMeta): true {
    this.#change = meta;
    this.#takeMeta(meta);
    return true;
  }

  #takeMeta(meta: KeyMeta): void {
    this.wire = meta.wire;
    this.main = meta.modRevision;
    this.sub = meta.sub;
  }

  close(): void {
    this.#rows.close();
  }
}

/**
 * The versions at a committed revision in the past, in key order: keys not changed since are taken from
 * `keys`, all others from `history`, both sorted alike, so the two are merged.
 */
export class PastCursor implements VersionCursor {
  wire: Uint8Array | undefined;
  main = 0;
  sub = 0;
  readonly #revision: number;
  readonly #keys: EntryReader;
  readonly #history: EntryReader;
  /** Text of the current row of `keys`; undefined at the end. */
  #keyText: string | undefined;
  /** Text of the key of the current row of `history`; undefined at the end. */
  #historyText: string | undefined;

  constructor(engine: Engine, range: KeyRange, revision: number, expectedEntries: number) {
    this.#revision = revision;
    const { gte, lt } = rangeBounds(range);
    const expected = Math.max(expectedEntries, 0) || FIRST_PAGE_ENTRIES;
    this.#keys = new EntryReader(engine.scan('keys', { gte, lt }), expected);
    const history = engine.scan('history', {
      gte: escapeKey(gte),
      lt: lt === undefined ? undefined : escapeKey(lt),
    });
    this.#history = new EntryReader(history, expected);
    this.#moveKeys();
    this.#moveHistory();
  }

  next(): boolean {
    for (;;) {
      const keyText = this.#keyText;
      const historyText = this.#historyText;
      if (keyText === undefined && historyText === undefined) return false;
      if (historyText === undefined || (keyText !== undefined && keyText <= historyText)) {
        const found = this.#takeLatest();
        this.#moveKeys();
        if (keyText === historyText) {
          if (found) this.#skipHistory();
          else if (this.#findInHistory()) return true;
        }
        if (found) return true;
      } else if (this.#findInHistory()) return true;
    }
  }

  /** Takes the current row of `keys` if it is not newer than the revision. */
  #takeLatest(): boolean {
    const meta = metaOfKeysRow('', this.#keys.value);
    if (meta.modRevision > this.#revision) return false;
    this.wire = meta.wire;
    this.main = meta.modRevision;
    this.sub = meta.sub;
    return true;
  }

  /**
   * Finds the version of the current history key at the revision and moves past the key. False if the
   * key did not exist then.
   */
  #findInHistory(): boolean {
    const keyText = this.#historyText;
    for (let steps = 0; this.#historyText === keyText; steps++) {
      const historyKey = this.#history.key ?? NO_BYTES;
      const main = mainOfHistoryKey(historyKey);
      if (main <= this.#revision) {
        this.wire = undefined;
        this.main = main;
        this.sub = subOfHistoryKey(historyKey);
        const tombstone = ((this.#history.value[0] ?? 0) & FLAG_TOMBSTONE) !== 0;
        this.#skipHistory();
        return !tombstone;
      }
      if (steps === STEPS_BEFORE_SEEK) {
        this.#history.seek(historySeekKey(keyOfHistoryKey(historyKey), this.#revision));
      }
      this.#moveHistory();
    }
    return false;
  }

  /** Moves past all versions of the current history key. */
  #skipHistory(): void {
    const keyText = this.#historyText;
    for (let steps = 0; this.#historyText === keyText && keyText !== undefined; steps++) {
      if (steps === STEPS_BEFORE_SEEK) {
        this.#history.seek(historyEndOf(keyBytesOf(keyText)));
      }
      this.#moveHistory();
    }
  }

  #moveKeys(): void {
    this.#keyText = this.#keys.next() ? keyTextOf(this.#keys.key ?? this.#keys.value) : undefined;
  }

  #moveHistory(): void {
    this.#historyText = this.#history.next()
      ? keyTextOf(keyOfHistoryKey(this.#history.key ?? this.#history.value))
      : undefined;
  }

  close(): void {
    this.#keys.close();
    this.#history.close();
  }
}
