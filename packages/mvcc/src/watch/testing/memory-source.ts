import { keyBytesOf } from '../../key-text.ts';
import { encodeKeyValue } from '../../key-value.ts';
import { type EventPage, StoreEvent } from '../../store-event.ts';
import type { EventSource } from '../event-source.ts';

/** One change: a put of a value, or a deletion when there is none. */
export type Change = readonly [keyText: string, value: string | undefined];

interface Version {
  readonly main: number;
  readonly sub: number;
  readonly create: number;
  readonly version: number;
  readonly wire: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/** A source of events that keeps everything in plain arrays: the naive store behind watch tests and benches. */
export class MemorySource implements EventSource {
  revision = 1;
  compactRevision = -1;
  /** Calls of `readEvents` so far. */
  reads = 0;
  /** Every event there ever was, compacted or not. */
  readonly events: StoreEvent[] = [];
  readonly #latest = new Map<string, Version>();
  readonly #versions = new Map<string, Version>();
  readonly #listeners: ((events: readonly StoreEvent[], revision: number) => void)[] = [];
  /** Whether events carry what they replaced, or leave it to `previousOf`. */
  readonly #prevAtHand: boolean;

  constructor(prevAtHand = true) {
    this.#prevAtHand = prevAtHand;
  }

  onCommit(listener: (events: readonly StoreEvent[], revision: number) => void): void {
    this.#listeners.push(listener);
  }

  /** Commits some transactions at once; each takes a revision if it changes anything. */
  commit(...transactions: readonly (readonly Change[])[]): void {
    const committed: StoreEvent[] = [];
    for (const changes of transactions) {
      let sub = 0;
      for (const change of changes) {
        const event = this.#apply(change, this.revision + 1, sub);
        if (event === undefined) continue;
        committed.push(event);
        sub += 1;
      }
      if (sub > 0) this.revision += 1;
    }
    this.events.push(...committed);
    if (committed.length === 0) return;
    for (const listener of this.#listeners) listener(committed, this.revision);
  }

  compact(revision: number): void {
    this.compactRevision = revision;
  }

  readEvents(from: number, limitEvents: number, limitBytes: number): EventPage {
    if (from < this.compactRevision) throw new Error(`${from} is compacted`);
    this.reads += 1;
    const events: StoreEvent[] = [];
    let bytes = 0;
    let index = this.#firstFrom(from);
    while (index < this.events.length) {
      const main = this.events[index]?.main ?? 0;
      if (events.length > 0 && (events.length >= limitEvents || bytes >= limitBytes)) {
        return { events, next: main };
      }
      for (let event = this.events[index]; event?.main === main; event = this.events[index]) {
        events.push(event);
        bytes += event.kv.length;
        index += 1;
      }
    }
    return { events, next: this.revision + 1 };
  }

  previousOf(event: StoreEvent): Uint8Array | undefined {
    // What the compaction replaced is gone; what was latest at the compacted revision is still there.
    if (event.prevMain === 0 || event.main <= this.compactRevision) return undefined;
    return this.#versions.get(`${event.prevMain}.${event.prevSub}`)?.wire;
  }

  #firstFrom(from: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle]?.main ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #apply([keyText, value]: Change, main: number, sub: number): StoreEvent | undefined {
    const before = this.#latest.get(keyText);
    const deleted = value === undefined;
    if (deleted && before === undefined) return undefined;
    const key = keyBytesOf(keyText);
    const create = before?.create ?? main;
    const version = (before?.version ?? 0) + 1;
    const wire = encodeKeyValue({
      key,
      createRevision: deleted ? 0 : create,
      modRevision: main,
      version: deleted ? 0 : version,
      value: deleted ? EMPTY : keyBytesOf(value),
      lease: 0n,
    });
    if (deleted) this.#latest.delete(keyText);
    else {
      const latest = { main, sub, create, version, wire };
      this.#latest.set(keyText, latest);
      this.#versions.set(`${main}.${sub}`, latest);
    }
    const prev = this.#prevAtHand ? before?.wire : undefined;
    const [prevMain, prevSub] = [before?.main ?? 0, before?.sub ?? 0];
    return new StoreEvent(main, sub, deleted, key, keyText, wire, prevMain, prevSub, prev);
  }
}
