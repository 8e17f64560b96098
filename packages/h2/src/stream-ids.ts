import { maxStreamId } from './frames.ts';

/**
 * Ids of streams that we have reset are remembered, since the peer may not know of it yet. More than the
 * streams that are open at once, less than anybody could mind.
 */
const maxRememberedResets = 2048;

/** What an id without an open stream can mean (RFC 9113 §5.1). */
export type ClosedId = 'idle' | 'ignored' | 'closed' | 'skipped';

/**
 * Which stream identifiers have been used, seen from one end. Both ends may only open odd ones here: we
 * allow no pushes.
 */
export class StreamIds {
  /** The newest stream of the peer's that we know of; 0: none. */
  lastOpened = 0;
  readonly #isServer: boolean;
  /** Each odd id up to here was really opened, by the peer. */
  #usedUpTo = -1;
  /** A client's next stream. */
  #next: number;
  /** Streams above are ignored, after our last GOAWAY. */
  #acceptUpTo: number = maxStreamId;
  readonly #reset = new Set<number>();

  constructor(isServer: boolean, next = 1) {
    this.#isServer = isServer;
    this.#next = next;
  }

  /** A client's next id; undefined when they have run out. */
  allocate(): number | undefined {
    if (this.#next > maxStreamId) return undefined;
    const id = this.#next;
    this.#next += 2;
    return id;
  }

  /** Notes that the client has opened a stream: an id that was idle. */
  open(id: number): void {
    if (this.#usedUpTo === id - 2) this.#usedUpTo = id;
    this.lastOpened = id;
  }

  /** Streams that the peer opens from now on are ignored. */
  acceptNoMore(): void {
    this.#acceptUpTo = this.lastOpened;
  }

  rememberReset(id: number): void {
    this.#reset.add(id);
    if (this.#reset.size <= maxRememberedResets) return;
    for (const oldest of this.#reset) {
      this.#reset.delete(oldest);
      break;
    }
  }

  /** What an id means that no open stream has. */
  stateOf(id: number): ClosedId {
    if ((id & 1) === 0) return 'idle';
    if (id > this.#acceptUpTo || this.#reset.has(id)) return 'ignored';
    if (!this.#isServer) return id >= this.#next ? 'idle' : 'closed';
    if (id > this.lastOpened) return 'idle';
    // An id that was passed over was closed without ever being open.
    return id <= this.#usedUpTo ? 'closed' : 'skipped';
  }
}
