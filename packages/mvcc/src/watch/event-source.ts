/**
 * One change as the store hands it out: the part of a store event that watchers need.
 * All byte arrays are borrowed from the store and never written to here.
 */
export interface SourceEvent {
  /** Main revision, shared by every change of one request. */
  readonly main: number;
  /** Position among the changes of one main revision, from 0. */
  readonly sub: number;
  readonly deleted: boolean;
  readonly key: Uint8Array;
  /** The key as latin1 text, so that the order of texts is the order of bytes. */
  readonly keyText: string;
  /** mvccpb.KeyValue wire as watchers get it: complete for a put; key and mod_revision for a delete. */
  readonly kv: Uint8Array;
  /** Main revision of the version this change replaced; 0 when the key did not exist before. */
  readonly prevMain: number;
  readonly prevSub: number;
  /** Wire of the replaced KeyValue when the store had it at hand; undefined says nothing. */
  readonly prev: Uint8Array | undefined;
}

/** Events of whole revisions, in order of (main, sub). */
export interface EventPage {
  readonly events: readonly SourceEvent[];
  /** First revision that the page does not cover: every event below it and from the asked one on is in. */
  readonly next: number;
}

/** What the watch hub needs of a store. */
export interface EventSource {
  /** Newest visible revision. */
  readonly revision: number;
  /** Newest compacted revision, -1 before the first compaction. Events at it and above are readable. */
  readonly compactRevision: number;
  /**
   * Calls `listener` after each commit that moved the revision, in order, with all its events.
   * `revision` is the newest visible revision after that commit.
   */
  onCommit(listener: (events: readonly SourceEvent[], revision: number) => void): void;
  /**
   * Reads events with main revision >= `from` from disk, whole revisions only: at least one revision
   * when there is any, then no further one once a limit is reached. `from` must not be compacted.
   */
  readEvents(from: number, limitEvents: number, limitBytes: number): EventPage;
  /** Wire of the KeyValue that `event` replaced; undefined when it created the key or that is compacted. */
  previousOf(event: SourceEvent): Uint8Array | undefined;
}
