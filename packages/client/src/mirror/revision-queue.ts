import type { WatchEvent } from '../watch/watch-event.ts';
import type { KeyChange, KeyWriter } from './key-writer.ts';

/** Bytes of changes that may wait to be written; then the source is held back. */
const mostWaitingBytes = 4 << 20;

/** Changes of one revision of the source. */
interface Revision {
  readonly revision: bigint;
  readonly changes: KeyChange[];
  bytes: number;
}

/** Who is told what becomes of a queue. */
export interface QueueObserver {
  /** All up to this revision is at the destination. */
  readonly onWritten: (revision: bigint) => void;
  /** Nothing more will be written. */
  readonly onFailed: (error: unknown) => void;
}

/** What has happened at the source and is to be written at the destination, in order, while more of it comes. */
export class RevisionQueue implements AsyncDisposable {
  readonly #writer: KeyWriter;
  readonly #observer: QueueObserver;
  #waiting: Revision[] = [];
  #waitingBytes = 0;
  /** All up to this revision is written once nothing waits. */
  #read = 0n;
  #written = 0n;
  #writing: Promise<void> | undefined = undefined;

  constructor(writer: KeyWriter, observer: QueueObserver) {
    this.#writer = writer;
    this.#observer = observer;
  }

  /** Whole revisions, all up to one. Resolves when there is room for more. */
  async add(events: readonly WatchEvent[], revision: bigint): Promise<void> {
    this.#read = revision;
    for (const event of events) this.#push(event);
    this.#writing ??= this.#write();
    if (this.#waitingBytes > mostWaitingBytes) await this.#writing;
  }

  /** Lets go of what waits; resolves when nothing is being written any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#waiting = [];
    this.#read = this.#written;
    await this.#writing;
  }

  #push({ type, entry }: WatchEvent): void {
    const { key, modRevision } = entry;
    const change = { key, value: type === 'put' ? entry.value : undefined };
    const bytes = key.length + entry.value.length;
    let last = this.#waiting.at(-1);
    if (last?.revision !== modRevision) {
      last = { revision: modRevision, changes: [], bytes: 0 };
      this.#waiting.push(last);
    }
    last.changes.push(change);
    last.bytes += bytes;
    this.#waitingBytes += bytes;
  }

  async #write(): Promise<void> {
    try {
      for (;;) {
        const read = this.#read;
        if (this.#waiting.length > 0) await this.#writeSome();
        else if (read <= this.#written) break;
        else {
          // What has happened to other keys.
          await this.#writer.commit(this.#writer.draft(), read);
          this.#onWritten(read);
        }
      }
    } catch (error) {
      this.#observer.onFailed(error);
    } finally {
      this.#writing = undefined;
    }
  }

  /** Whole revisions, as many as one transaction takes; one that it does not take in several. */
  async #writeSome(): Promise<void> {
    const draft = this.#writer.draft();
    const taken: Revision[] = [];
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!draft.takes(next.changes)) break;
      for (const change of next.changes) draft.add(change);
      taken.push(next);
      this.#waiting.shift();
    }
    let last = taken.at(-1);
    if (last !== undefined) {
      await this.#writer.commit(draft, last.revision);
    } else {
      last = this.#waiting.shift();
      if (last === undefined) return;
      const { changes, revision } = last;
      taken.push(last);
      await this.#writer.commitAll(changes, () => revision);
    }
    for (const { bytes } of taken) this.#waitingBytes -= bytes;
    this.#onWritten(last.revision);
  }

  #onWritten(revision: bigint): void {
    this.#written = revision;
    this.#observer.onWritten(revision);
  }
}
