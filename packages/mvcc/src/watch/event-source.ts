import type { EventPage, StoreEvent } from '../store-event.ts';

/** What the watch hub needs of a store; a `Store` is one. */
export interface EventSource {
  /** Newest visible revision. */
  readonly revision: number;
  /** Newest compacted revision, -1 before the first compaction. Events at it and above are readable. */
  readonly compactRevision: number;
  /**
   * Calls `listener` after each commit that moved the revision, in order, with all its events.
   * `revision` is the newest visible revision after that commit.
   */
  onCommit(listener: (events: readonly StoreEvent[], revision: number) => void): void;
  /**
   * Reads events with main revision >= `from` from disk, whole revisions only: at least one revision
   * when there is any, then no further one once a limit is reached. `from` must not be compacted.
   */
  readEvents(from: number, limitEvents: number, limitBytes: number): EventPage;
  /** Wire of the KeyValue that `event` replaced; undefined when it made the key or that is compacted. */
  previousOf(event: StoreEvent): Uint8Array | undefined;
}
