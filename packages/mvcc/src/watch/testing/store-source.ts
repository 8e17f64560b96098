import { keyBytesOf } from '../../key-text.ts';
import { MemoryEngine } from '../../memory-engine.ts';
import { Store } from '../../store.ts';
import type { EventPage, StoreEvent } from '../../store-event.ts';
import type { EventSource } from '../event-source.ts';
import type { Change } from './memory-source.ts';

const NO_RANGE_END = new Uint8Array(0);

/** A real store on a memory engine, driven like `MemorySource`. */
export class StoreSource implements EventSource {
  readonly store: Store;
  /** Every event there ever was, compacted or not. */
  readonly events: StoreEvent[] = [];

  constructor(turn: (fn: () => void) => void) {
    // Nothing is cached and little is inline, so that what was replaced comes from disk.
    const limits = { cacheBytes: 1, inlineValueBytes: 1, compaction: { batchLimit: 3 } };
    this.store = Store.open({ engine: new MemoryEngine(), turn, now: () => 0, ...limits });
    this.store.onCommit((events) => this.events.push(...events));
  }

  get revision(): number {
    return this.store.revision;
  }

  get compactRevision(): number {
    return this.store.compactRevision;
  }

  onCommit(listener: (events: readonly StoreEvent[], revision: number) => void): void {
    this.store.onCommit(listener);
  }

  readEvents(from: number, limitEvents: number, limitBytes: number): EventPage {
    return this.store.readEvents(from, limitEvents, limitBytes);
  }

  previousOf(event: StoreEvent): Uint8Array | undefined {
    return this.store.previousOf(event);
  }

  commit(...transactions: readonly (readonly Change[])[]): void {
    const batch = this.store.batch();
    for (const changes of transactions) {
      const txn = batch.begin();
      for (const [keyText, value] of changes) {
        if (value === undefined) txn.deleteRange(keyBytesOf(keyText), NO_RANGE_END);
        else txn.put(keyBytesOf(keyText), keyBytesOf(value), 0n);
      }
      txn.end();
    }
    batch.commit();
  }

  compact(revision: number): void {
    const batch = this.store.batch();
    batch.compact(revision);
    batch.commit();
  }
}
