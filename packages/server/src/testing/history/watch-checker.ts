import { isSame } from './kv-model.ts';
import type { KvState } from './kv-state.ts';
import { isWithin, type KeyEvent, type WatchRecord } from './operation.ts';

/** What happened, revision by revision. */
export class Timeline {
  /** States by revision, from 1 on. */
  readonly #states: KvState[] = [];
  readonly #events = new Map<number, readonly KeyEvent[]>();

  /** The oldest revision that is sure to be there: all compactions that were asked for may have happened. */
  readonly compactRevision: number;

  /** All that led to a state. */
  constructor(last: KvState, compactRevision: number = last.compactRevision) {
    this.compactRevision = compactRevision;
    for (let state: KvState | undefined = last; state !== undefined; state = state.previous) {
      // The newest state of a revision comes first; all of them have the same keys.
      this.#states[state.revision] ??= state;
    }
  }

  get revision(): number {
    return this.#states.length - 1;
  }

  at(revision: number): KvState | undefined {
    return this.#states[revision];
  }

  /** The changes that made a revision, in the order of their keys. */
  eventsAt(revision: number): readonly KeyEvent[] {
    const known = this.#events.get(revision);
    if (known !== undefined) return known;
    const before = this.#states[revision - 1];
    const after = this.#states[revision];
    if (before === undefined || after === undefined) return [];
    const events: KeyEvent[] = [];
    for (const [key, pair] of after.keys) {
      if (pair.modRevision === revision) events.push({ key, revision, pair });
    }
    for (const key of before.keys.keys()) {
      if (!after.keys.has(key)) events.push({ key, revision, pair: undefined });
    }
    events.sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#events.set(revision, events);
    return events;
  }
}

/**
 * What a watch broke of etcd's promises: its events are ordered by revision, unique, without a gap (reliable), never
 * part of a revision (atomic), complete up to any revision that a message without events names (bookmarkable), and
 * begin where the watch was told to begin (resumable). Empty when it kept them all.
 */
export function watchViolations(watch: WatchRecord, timeline: Timeline): string[] {
  return new WatchCheck(watch, timeline).run();
}

class WatchCheck {
  readonly #watch: WatchRecord;
  readonly #timeline: Timeline;
  readonly #violations: string[] = [];
  /** First revision of which nothing has been told yet. */
  #next = 0;

  constructor(watch: WatchRecord, timeline: Timeline) {
    this.#watch = watch;
    this.#timeline = timeline;
  }

  run(): string[] {
    const { startRevision, createdRevision, messages, compactedAt } = this.#watch;
    if (createdRevision === undefined) {
      if (messages.length > 0) this.#report('events came before the watch was created');
      return this.#violations;
    }
    this.#next = startRevision > 0 ? startRevision : createdRevision + 1;
    for (const { revision, events } of messages) {
      if (events.length > 0) this.#takeEvents(revision, events);
      else this.#takeProgress(revision);
      if (this.#violations.length > 0) break;
    }
    if (compactedAt !== undefined && this.#next >= compactedAt) {
      this.#report(`compacted at ${compactedAt}, though ${this.#next} is still there`);
    }
    return this.#violations;
  }

  #takeEvents(headerRevision: number, events: readonly KeyEvent[]): void {
    for (const [revision, some] of Map.groupBy(events, (event) => event.revision)) {
      if (revision < this.#next) {
        this.#report(
          `an event of ${revision} came after all up to ${this.#next - 1} (order, unique)`,
        );
        return;
      }
      if (revision > headerRevision)
        this.#report(`an event of ${revision} in a message at ${headerRevision}`);
      this.#skipTo(revision);
      this.#compare(revision, some);
      this.#next = revision + 1;
    }
  }

  /** Everything up to the revision of a message without events was told before. */
  #takeProgress(revision: number): void {
    this.#skipTo(revision + 1);
    this.#next = Math.max(this.#next, revision + 1);
  }

  /** What lies between must hold nothing that the watch was to tell of. */
  #skipTo(revision: number): void {
    for (let missed = this.#next; missed < revision; missed++) {
      const [lost] = this.#expected(missed);
      if (lost === undefined) continue;
      this.#report(
        `the event of ${lost.key} at ${missed} was left out before ${revision} (reliable)`,
      );
      return;
    }
  }

  #compare(revision: number, events: readonly KeyEvent[]): void {
    const expected = this.#expected(revision);
    if (expected.length !== events.length) {
      const told = `${events.length} of the ${expected.length} events at ${revision}`;
      this.#report(`${told} came in one message (atomic)`);
      return;
    }
    const sorted = [...events].sort((a, b) => (a.key < b.key ? -1 : 1));
    sorted.forEach((event, i) => {
      const wanted = expected[i];
      if (event.key !== wanted?.key || !isSame(event.pair, wanted.pair)) {
        this.#report(`the event of ${event.key} at ${revision} is not what happened`);
        return;
      }
      this.#comparePrevious(event);
    });
  }

  #comparePrevious({ key, revision, previous }: KeyEvent): void {
    if (previous === undefined) return;
    const before = this.#timeline.at(revision - 1)?.keys.get(key);
    if (isSame(previous ?? undefined, before)) return;
    // What was compacted can't be told any more.
    if (previous === null && revision <= this.#timeline.compactRevision) return;
    this.#report(`the event of ${key} at ${revision} tells of another previous pair`);
  }

  #expected(revision: number): KeyEvent[] {
    const { range } = this.#watch;
    return this.#timeline.eventsAt(revision).filter(({ key }) => isWithin(key, range));
  }

  #report(text: string): void {
    const { client, range, startRevision } = this.#watch;
    const what = `watch of client ${client} on [${range.key}, ${range.rangeEnd}) from ${startRevision}`;
    this.#violations.push(`${what}: ${text}`);
  }
}
