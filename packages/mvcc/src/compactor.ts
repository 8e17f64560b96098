import type { EngineBatch } from './engine.ts';
import { historyKeyOf } from './history-key.ts';
import { KeyValueParts } from './key-value.ts';
import { encodeMetaRevision, META_FINISHED_COMPACT, metaKeyOf } from './meta-rows.ts';
import {
  isTombstoneRow,
  prevMainOfRow,
  prevSubOfRow,
  readUint32,
  readUint64,
  revKeyOf,
  wireOfRevsRow,
} from './revision-row.ts';
import type { StoreState } from './store-state.ts';

/** Someone who waits for rows below `revision` to be gone. */
interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Removes what compaction made unreachable, a batch of revisions at a time, each on a later turn.
 *
 * Only the revisions since the compaction before, [finished, target], are read: each names the version it
 * replaced, and that one is what no reader can see any more. Tombstones below `target` go as well; one
 * exactly at `target` stays until the next compaction, which is why the scan includes `finished`.
 *
 * The promise (`scheduledCompactRevision`) is in the database before the first row goes, and
 * `finishedCompactRevision` with the last ones: a crash between them makes the scan start over, and
 * deleting a row twice does no harm.
 */
export class Compactor {
  readonly #state: StoreState;
  readonly #batchLimit: number;
  readonly #turn: (fn: () => void) => void;
  #waiters: Waiter[] = [];
  /** Everything up to here is done. */
  #finished: number;
  /** Where the compaction that runs ends; undefined when none runs. */
  #target: number | undefined;
  /** First key of `revs` that the running compaction has not looked at. */
  #from: Uint8Array = new Uint8Array(0);
  #stopped = false;

  constructor(
    state: StoreState,
    finished: number,
    batchLimit: number,
    turn: (fn: () => void) => void,
  ) {
    this.#state = state;
    this.#finished = finished;
    this.#batchLimit = batchLimit;
    this.#turn = turn;
  }

  /** Revision up to which all rows are gone that compaction has to remove. */
  get finishedRevision(): number {
    return this.#finished;
  }

  /** Starts work if the store's compact revision is ahead of what is done; safe to call at any time. */
  wake(): void {
    if (this.#stopped || this.#target !== undefined) return;
    if (this.#state.compactRevision <= this.#finished) return;
    this.#target = this.#state.compactRevision;
    this.#from = revKeyOf(Math.max(0, this.#finished), 0);
    this.#turn(() => this.#slice());
  }

  /**
   * Resolves when everything compacted so far is gone from the engine. Rejects with `MvccError` "engine"
   * when the disk refused; the work is taken up again by the next compaction or open.
   */
  whenDone(): Promise<void> {
    const revision = this.#state.compactRevision;
    if (revision <= this.#finished) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ revision, resolve, reject });
      this.wake();
    });
  }

  /** Stops for good; what is left undone is taken up at the next open. Waiters are rejected. */
  stop(error: unknown): void {
    this.#stopped = true;
    this.#rejectWaiters(error);
  }

  #slice(): void {
    const target = this.#target;
    if (this.#stopped || target === undefined) return;
    try {
      if (this.#compactBatch(target)) this.#finish(target);
      else this.#turn(() => this.#slice());
    } catch (error) {
      this.#target = undefined;
      this.#rejectWaiters(error);
    }
  }

  /** Removes what up to `batchLimit` revisions replaced; true when that was the rest. */
  #compactBatch(target: number): boolean {
    const { engine } = this.#state;
    const scan = engine.scan('revs', { gte: this.#from, lt: revKeyOf(target + 1, 0) });
    const batch = engine.batch();
    let left = this.#batchLimit;
    let page: Uint8Array[] = [];
    while (left > 0) {
      page = scan.next(left);
      for (let i = 0; i < page.length; i += 2) this.#removeReplaced(batch, page, i, target);
      left -= page.length / 2;
      const last = page[page.length - 2];
      if (last === undefined) break;
      this.#from = keyAfter(last);
    }
    scan.close();
    const done = left > 0;
    if (done) batch.put('meta', metaKeyOf(META_FINISHED_COMPACT), encodeMetaRevision(target));
    batch.write();
    return done;
  }

  #removeReplaced(batch: EngineBatch, page: Uint8Array[], at: number, target: number): void {
    const revKey = page[at];
    const row = page[at + 1];
    if (revKey === undefined || row === undefined) return;
    const main = readUint64(revKey, 0);
    const prevMain = main > this.#finished ? prevMainOfRow(row) : 0;
    const deadTombstone = main < target && isTombstoneRow(row);
    if (prevMain === 0 && !deadTombstone) return;
    const wire = wireOfRevsRow(row);
    const { keyStart, keyEnd } = new KeyValueParts(wire, wire.length);
    const key = wire.subarray(keyStart, keyEnd);
    if (prevMain !== 0) {
      const prevSub = prevSubOfRow(row);
      batch.delete('revs', revKeyOf(prevMain, prevSub));
      batch.delete('history', historyKeyOf(key, prevMain, prevSub));
    }
    if (deadTombstone) {
      batch.delete('revs', revKey);
      batch.delete('history', historyKeyOf(key, main, readUint32(revKey, 8)));
    }
  }

  #finish(target: number): void {
    this.#finished = target;
    this.#target = undefined;
    const done = this.#waiters.filter(({ revision }) => revision <= target);
    this.#waiters = this.#waiters.filter(({ revision }) => revision > target);
    for (const { resolve } of done) resolve();
    this.wake();
  }

  #rejectWaiters(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(error);
  }
}

/** The smallest key above `key`. */
function keyAfter(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}
