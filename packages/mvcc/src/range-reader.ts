import type { Scan } from './engine.ts';
import { MvccError } from './errors.ts';
import { invariant } from './invariant.ts';
import { inRange, isEmptyRange, type KeyRange, keyRangeOf } from './key-range.ts';
import { keyTextOf } from './key-text.ts';
import { KeyValueParts } from './key-value.ts';
import type { Overlay } from './overlay.ts';
import { type LargeRow, type PackedPart, PackedSource } from './packed-source.ts';
import { arrangeKvs, isPlain, isWanted, type RangePlan, rangePlan } from './range-plan.ts';
import type { PackedRangeResult, RangeQuery, RangeResult } from './range-query.ts';
import { isTombstoneRow, prevMainOfRow, revKeyOf, wireOfRevsRow } from './revision-row.ts';
import type { StoreState } from './store-state.ts';
import { LatestCursor, PastCursor, type VersionCursor } from './version-cursor.ts';

/** Rows between two looks at the clock or at the limit of a step. */
const ROWS_PER_PAGE = 256;

/** What a range is read from: the committed state, or that and what an open batch did to it. */
export interface RangeView {
  readonly state: StoreState;
  /** Newest revision to be seen, not below the committed one. */
  readonly revision: number;
  readonly compactRevision: number;
  /** Changes from the committed revision up to `revision`; undefined when there are none. */
  overlayAt(revision: number): Overlay | undefined;
}

/**
 * The revision that a query reads at. Throws `MvccError` "futureRevision" and "compacted".
 */
export function readRevision(view: RangeView, asked: number): number {
  if (asked > view.revision) {
    throw new MvccError('futureRevision', `revision ${asked} is above ${view.revision}`);
  }
  const revision = asked <= 0 ? view.revision : asked;
  if (revision < view.compactRevision) {
    const text = `revision ${revision} has been compacted: ${view.compactRevision} is the oldest`;
    throw new MvccError('compacted', text);
  }
  return revision;
}

/**
 * Answers one range query in steps. Everything it needs of the moment it was made is held by open scans,
 * so the answer is that of one revision even when commits and compactions go on between steps.
 */
export class RangeReader {
  readonly #state: StoreState;
  readonly #plan: RangePlan;
  readonly #range: KeyRange;
  readonly #headerRevision: number;
  /** Revision read at. */
  readonly #at: number;
  /** The committed revision that `#cursor` and the count start from; the overlay leads on to `#at`. */
  readonly #committedAt: number;
  readonly #overlay: Overlay | undefined;
  #cursor: VersionCursor | undefined;
  /** Instead of the cursor, where the answer may be packed. */
  #packed: PackedSource | undefined;
  readonly #parts: PackedPart[] = [];
  /** Keys that the cursor, or the packed source, has seen. */
  #seen = 0;
  #kvs: Uint8Array[] = [];
  #count: number | undefined;
  /** Count by walking on to the end of the range, when the count index can't help. */
  #walking = false;
  #changes: ChangeCounter | undefined;
  /** Snapshot of `revs`, held while steps are taken on different turns. */
  #revs: Scan | undefined;

  /** `mayPack`: the answer is asked for by `packedResult`. */
  constructor(view: RangeView, query: RangeQuery, mayPack = false) {
    invariant(query.key.length > 0, 'a range has a key');
    this.#state = view.state;
    this.#range = keyRangeOf(query.key, query.rangeEnd);
    this.#headerRevision = view.revision;
    this.#at = readRevision(view, query.revision ?? 0);
    this.#plan = rangePlan(query, this.#at >= this.#state.revision);
    this.#committedAt = Math.min(this.#at, this.#state.revision);
    this.#overlay = this.#at > this.#state.revision ? view.overlayAt(this.#at) : undefined;
    if (isEmptyRange(this.#range)) this.#count = 0;
    else if (mayPack && this.#mayPack()) this.#packed = this.#openPacked();
    else if (!this.#plan.countOnly || this.#range.single) this.#cursor = this.#openCursor();
  }

  /** Makes the reader safe to be continued on a later turn. */
  pin(): void {
    this.#revs ??= this.#state.engine.scan('revs', { valuesOnly: true });
    if (this.#packed === undefined) this.#cursor ??= this.#openCursor();
    else this.#packed.pin();
  }

  /** Reads on for about `maxRows` rows; true when the answer is complete. */
  step(maxRows: number): boolean {
    for (let rows = 0; rows < maxRows; rows += ROWS_PER_PAGE) {
      if (this.#count !== undefined) return true;
      if (this.#wantsMore()) this.#readOn();
      else this.#countPage();
    }
    return this.#count !== undefined;
  }

  /** The answer, once `step` has said that it is complete. */
  result(): RangeResult {
    invariant(this.#count !== undefined, 'the range was read to its end');
    this.close();
    const { kvs, more } = arrangeKvs(this.#kvs, this.#plan);
    return { kvs, count: this.#count, more, revision: this.#headerRevision };
  }

  /** The same, packed where that is possible. */
  packedResult(): RangeResult | PackedRangeResult {
    if (this.#packed === undefined) return this.result();
    invariant(this.#count !== undefined, 'the range was read to its end');
    this.close();
    const { limit } = this.#plan;
    const fetched = this.#parts.reduce((sum, { keys }) => sum + keys, 0);
    const more = limit > 0 && fetched > limit;
    if (more) this.#parts.at(-1)?.dropLast();
    return { parts: this.#parts, count: this.#count, more, revision: this.#headerRevision };
  }

  /** Releases scans; for a reader that is given up. */
  close(): void {
    this.#cursor?.close();
    this.#packed?.close();
    this.#revs?.close();
    this.#changes?.close();
  }

  #openCursor(): VersionCursor {
    const { engine } = this.#state;
    const { fetchLimit, reverse } = this.#plan;
    const expected = this.#range.single ? 1 : fetchLimit;
    // A commit can't come between the check and the scans: all of it happens in one call.
    if (this.#committedAt < this.#state.revision) {
      return new PastCursor(engine, this.#range, this.#committedAt, expected);
    }
    return new LatestCursor(engine, this.#range, reverse, this.#overlay, expected);
  }

  #mayPack(): boolean {
    const isLatest = this.#overlay === undefined && this.#committedAt === this.#state.revision;
    return isLatest && isPlain(this.#plan);
  }

  #openPacked(): PackedSource {
    return new PackedSource(this.#state, this.#range, (page, large) => this.#fill(page, large));
  }

  /** Whether there is a page of answers to read before the count. */
  #wantsMore(): boolean {
    const { fetchLimit, countOnly } = this.#plan;
    if (this.#cursor === undefined && this.#packed === undefined) return false;
    if (countOnly) return this.#range.single;
    return fetchLimit === 0 || this.#seen < fetchLimit;
  }

  #readOn(): void {
    const { fetchLimit } = this.#plan;
    const left = fetchLimit === 0 ? Number.MAX_SAFE_INTEGER : fetchLimit - this.#seen;
    if (this.#packed === undefined) this.#readPage(Math.min(ROWS_PER_PAGE, left));
    else this.#parts.push(this.#readPart(this.#packed, left));
  }

  #readPart(packed: PackedSource, maxKeys: number): PackedPart {
    const part = packed.next(maxKeys);
    this.#seen += part.keys;
    if (packed.ended) this.#count = this.#seen;
    return part;
  }

  #readPage(wanted: number): void {
    const cursor = this.#cursor;
    invariant(cursor !== undefined, 'a cursor is open');
    const { countOnly } = this.#plan;
    const wires: (Uint8Array | undefined)[] = [];
    const missing: LargeRow[] = [];
    let ended = false;
    while (wires.length < wanted) {
      if (!cursor.next()) {
        ended = true;
        break;
      }
      if (cursor.wire === undefined && !countOnly) {
        missing.push({ index: wires.length, main: cursor.main, sub: cursor.sub });
      }
      wires.push(cursor.wire);
    }
    this.#seen += wires.length;
    if (ended) this.#count = this.#seen;
    if (countOnly) return;
    if (missing.length > 0) this.#fill(wires, missing);
    for (const wire of wires) {
      if (wire !== undefined && isWanted(wire, this.#plan)) this.#kvs.push(wire);
    }
  }

  /** Reads KeyValues that are only in `revs`. */
  #fill(wires: (Uint8Array | undefined)[], missing: readonly LargeRow[]): void {
    const keys = missing.map(({ main, sub }) => revKeyOf(main, sub));
    const rows = this.#state.engine.getMany('revs', keys);
    missing.forEach(({ index, main, sub }, i) => {
      // A version of the pinned moment may have been compacted since; the snapshot still has it.
      const row = rows[i] ?? this.#rowInSnapshot(keys[i]);
      invariant(row !== undefined, 'a visible version is stored', { main, sub });
      wires[index] = wireOfRevsRow(row);
    });
  }

  #rowInSnapshot(revKey: Uint8Array | undefined): Uint8Array | undefined {
    if (this.#revs === undefined || revKey === undefined) return undefined;
    this.#revs.seek(revKey);
    return this.#revs.next(1)[1];
  }

  /** One piece of counting what lies beyond the limit. */
  #countPage(): void {
    if (this.#walking) {
      this.#walkPage();
    } else if (this.#changes !== undefined) {
      if (this.#changes.step()) this.#count = this.#changes.countBefore + this.#overlayDelta();
    } else if (this.#state.compactRevision > this.#committedAt) {
      // Compacted since the reader was made: the changes since then are no longer all on record.
      this.#walking = true;
    } else {
      this.#countByIndex();
    }
  }

  #countByIndex(): void {
    const { counts, revision, engine } = this.#state;
    const known = counts.countKnown(this.#range);
    if (known === undefined) {
      counts.learnNext(this.#range);
    } else if (revision === this.#committedAt) {
      this.#count = known + this.#overlayDelta();
    } else if (revision - this.#committedAt > Math.max(known, ROWS_PER_PAGE)) {
      this.#walking = true;
    } else {
      const revs = engine.scan('revs', {
        gte: revKeyOf(this.#committedAt + 1, 0),
        valuesOnly: true,
      });
      this.#changes = new ChangeCounter(revs, this.#range, known);
    }
  }

  #walkPage(): void {
    if (this.#packed !== undefined) {
      this.#readPart(this.#packed, Number.MAX_SAFE_INTEGER);
      return;
    }
    this.#cursor ??= this.#openCursor();
    for (let rows = 0; rows < ROWS_PER_PAGE; rows++) {
      if (!this.#cursor.next()) {
        this.#count = this.#seen;
        return;
      }
      this.#seen++;
    }
  }

  /** How many more keys the range has with the overlay than without. */
  #overlayDelta(): number {
    let delta = 0;
    for (const [keyText, entry] of this.#overlay?.inRange(this.#range) ?? []) {
      const before = this.#state.latest(keyText) !== null;
      if (before !== (entry !== null)) delta += before ? -1 : 1;
    }
    return delta;
  }
}

/**
 * Turns the count of a range now into its count at an earlier revision, by what happened since: each
 * creation makes it one less, each deletion one more.
 */
class ChangeCounter {
  /** The count before all changes read so far. */
  countBefore: number;
  readonly #revs: Scan;
  readonly #range: KeyRange;

  constructor(revs: Scan, range: KeyRange, countNow: number) {
    this.#revs = revs;
    this.#range = range;
    this.countBefore = countNow;
  }

  /** Reads some changes; true at the end. */
  step(): boolean {
    const page = this.#revs.next(ROWS_PER_PAGE);
    for (let i = 1; i < page.length; i += 2) {
      const row = page[i];
      if (row !== undefined) this.#takeBack(row);
    }
    return page.length === 0;
  }

  close(): void {
    this.#revs.close();
  }

  #takeBack(row: Uint8Array): void {
    const deleted = isTombstoneRow(row);
    if (!deleted && prevMainOfRow(row) !== 0) return;
    const wire = wireOfRevsRow(row);
    const parts = new KeyValueParts(wire, wire.length);
    if (!inRange(this.#range, keyTextOf(wire.subarray(parts.keyStart, parts.keyEnd)))) return;
    this.countBefore += deleted ? 1 : -1;
  }
}
