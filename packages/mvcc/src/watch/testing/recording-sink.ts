import type { WatchBatch } from '../watch-batch.ts';
import type { Watcher, WatchSink } from '../watcher.ts';
import { decodeEvents, type SeenEvent } from './decode-events.ts';

/** Keeps what one watcher was handed, and checks what must hold of every batch. */
export class RecordingSink implements WatchSink {
  readonly batches: WatchBatch[] = [];
  readonly seen: SeenEvent[] = [];
  /** Revision that the watcher was told is compacted. */
  compacted: number | undefined;
  /** Whether the receiver says that it is full, after the batch that it takes. */
  full = false;
  /** Every event up to here was handed over, by what the last batch said. */
  promised = 0;

  onEvents(_watcher: Watcher, batch: WatchBatch): boolean {
    if (this.compacted !== undefined) throw new Error('events after the end');
    if (batch.firstRevision <= this.promised) throw new Error('a revision came in two batches');
    if (batch.headerRevision < batch.lastRevision) throw new Error('header below the events');
    const events = decodeEvents(batch.body);
    if (events.length !== batch.eventCount) throw new Error('wrong number of events');
    if (events[0]?.mod !== batch.firstRevision) throw new Error('wrong first revision');
    if (events.at(-1)?.mod !== batch.lastRevision) throw new Error('wrong last revision');
    this.promised = batch.headerRevision;
    this.batches.push(batch);
    this.seen.push(...events);
    return !this.full;
  }

  onCompacted(_watcher: Watcher, compactRevision: number): void {
    if (this.compacted !== undefined) throw new Error('ended twice');
    this.compacted = compactRevision;
  }

  /** What was seen as short texts: `a=1@5` for a put, `-a@6` for a deletion, `(0)` behind for a previous value. */
  get story(): string[] {
    return this.seen.map(({ type, key, value, mod, prev }) => {
      const change = type === 'PUT' ? `${key}=${value}@${mod}` : `-${key}@${mod}`;
      return prev === undefined ? change : `${change}(${prev})`;
    });
  }
}
