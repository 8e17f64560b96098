import type { WatchResponse } from '@kvorum/api';
import type { TestClient } from '../framework/client.ts';
import { eventually } from '../framework/eventually.ts';
import { WatchStream } from '../framework/watch-stream.ts';
import type { Event } from './model.ts';
import { eventOf } from './observed.ts';

/** A range of keys, as bytes of text. */
export interface KeyRange {
  readonly key: string;
  readonly rangeEnd: string;
}

/** A watch that lives through restarts: each time it goes on after the last revision it was told of. */
export class ResumingWatch {
  readonly events: Event[] = [];
  /** What broke a promise: a revision that came twice, too late or in an answer older than itself. */
  readonly violations: string[] = [];
  readonly #range: KeyRange;
  #next: number;
  #stream: WatchStream | undefined;

  /** Watches from a revision on. */
  constructor(range: KeyRange, startRevision: number) {
    this.#range = range;
    this.#next = startRevision;
  }

  /** Revision of the first event that is still to come, as far as known. */
  get next(): number {
    return this.#next;
  }

  resume(client: TestClient): void {
    const stream = new WatchStream(client, (response) => this.#take(response));
    stream.send({
      case: 'createRequest',
      value: {
        key: Buffer.from(this.#range.key),
        rangeEnd: Buffer.from(this.#range.rangeEnd),
        startRevision: BigInt(this.#next),
      },
    });
    this.#stream = stream;
  }

  /** Resolves when the watch has been told of a revision. Only for a watch of all keys. */
  async reach(revision: number): Promise<void> {
    await eventually(`a watch to reach revision ${revision}`, () => this.#next > revision);
  }

  async close(): Promise<void> {
    await this.#stream?.close();
  }

  #take(response: WatchResponse): void {
    const { header, canceled, cancelReason, compactRevision } = response;
    if (canceled) this.violations.push(`cancelled: ${cancelReason} ${compactRevision}`);
    const answered = Number(header?.revision);
    if (answered < this.#next - 1) {
      this.violations.push(`an answer at ${answered} after events up to ${this.#next - 1}`);
    }
    const events = response.events.map(eventOf);
    for (const { revision, key } of events) {
      if (revision < this.#next || revision > answered) {
        this.violations.push(`${key} at ${revision}: expected ${this.#next} to ${answered}`);
      }
    }
    this.events.push(...events);
    const last = events.at(-1);
    // All events of a revision come in one answer, so the next one is later.
    if (last !== undefined) this.#next = last.revision + 1;
  }
}
