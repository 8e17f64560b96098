import { type CallStatus, type ClientStream, type GrpcClient, Status } from '@kvorum/h2';
import type { SnapshotMetadata } from '@kvorum/raft';
import { greetingFields } from './handshake.ts';
import { peerClient } from './outbound-channel.ts';
import type { PeerLink } from './peer-link.ts';
import { decodeCount, encodeStateHeader, STATE_FIELD } from './state-header.ts';

export const STATE_PATH = '/kvorum.Peer/State';

/** Messages under way that the receiver hasn't written yet; what a lost connection makes us keep. */
const WINDOW = 16;
/** A state that makes no progress for so long is given up; the leader then tries again with a newer one. */
const GIVE_UP_MS = 30_000;
const RETRY_MS = 250;

interface State {
  readonly name: string;
  readonly chunks: AsyncIterator<Uint8Array>;
  /** Messages from number `firstKept` on that the receiver may not have. */
  kept: Uint8Array[];
  firstKept: number;
  /** Chunks are at their end. */
  isRead: boolean;
  progressAtMs: number;
}

/** How an attempt ended: all is there, it may be taken up, or there is no use. */
type Outcome = 'done' | 'broken' | 'refused';

/**
 * Sends a state to one member, over a connection of its own and no faster than it is written there. A stream that
 * breaks off is taken up where it was.
 */
export class StateSender {
  readonly #link: PeerLink;
  readonly #client: GrpcClient;
  #bytesSent = 0;
  #isClosed = false;

  constructor(link: PeerLink) {
    this.#link = link;
    this.#client = peerClient(link);
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Resolves with whether the state has arrived and is on the other's disk. */
  async send(
    leaderTerm: number,
    metadata: SnapshotMetadata,
    chunks: AsyncGenerator<Uint8Array>,
  ): Promise<boolean> {
    const { clock, random } = this.#link;
    const state: State = {
      name: `${metadata.index}-${metadata.term}-${Math.floor(random() * 2 ** 48).toString(16)}`,
      chunks,
      kept: [encodeStateHeader(leaderTerm, metadata)],
      firstKept: 0,
      isRead: false,
      progressAtMs: clock.nowMs(),
    };
    try {
      for (;;) {
        const outcome = await this.#attempt(state);
        if (outcome !== 'broken') return outcome === 'done';
        if (this.#isClosed || clock.nowMs() - state.progressAtMs > GIVE_UP_MS) return false;
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
      }
    } finally {
      await chunks.return(undefined);
      this.#client.close();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  async #attempt(state: State): Promise<Outcome> {
    const attempt = new Attempt(this.#client, this.#link, state);
    try {
      return await attempt.run((bytes) => {
        this.#bytesSent += bytes;
      });
    } finally {
      attempt.cancel();
    }
  }
}

/** One stream of a state. */
class Attempt {
  readonly #link: PeerLink;
  readonly #state: State;
  readonly #stream: ClientStream;
  #status: CallStatus | undefined;
  /** What the receiver has; undefined before its first word. */
  #received: number | undefined;
  #wake: () => void = () => {};

  constructor(client: GrpcClient, link: PeerLink, state: State) {
    this.#link = link;
    this.#state = state;
    const metadata = [...greetingFields(link.greeting()), [STATE_FIELD, state.name] as const];
    this.#stream = client.stream(
      STATE_PATH,
      {
        onMessage: (message) => this.#onCount(decodeCount(message)),
        onEnd: (status) => {
          this.#status = status;
          this.#wake();
        },
      },
      { metadata },
    );
  }

  async run(onSent: (bytes: number) => void): Promise<Outcome> {
    const state = this.#state;
    await this.#until(() => this.#received !== undefined);
    // What it asks for was let go: it has forgotten the state, by a restart or for another one.
    if (this.#received !== undefined && this.#received < state.firstKept) return 'refused';
    let next = this.#received ?? 0;
    while (this.#status === undefined) {
      const message = await this.#messageAt(next);
      if (message === undefined) {
        this.#stream.halfClose();
        await this.#until(() => false);
        break;
      }
      await this.#until(() => next - (this.#received ?? 0) < WINDOW);
      if (this.#status !== undefined) break;
      this.#stream.send(message);
      onSent(message.length);
      next += 1;
      // Others have their turn between two chunks.
      await new Promise<void>((resolve) => this.#link.clock.nextTurn(resolve));
    }
    if (this.#status?.status === Status.ok) return 'done';
    const isBroken =
      this.#status?.status === Status.unavailable || this.#status?.status === Status.cancelled;
    return isBroken ? 'broken' : 'refused';
  }

  cancel(): void {
    this.#stream.cancel();
  }

  #onCount(count: number): void {
    const state = this.#state;
    this.#received = count;
    state.progressAtMs = this.#link.clock.nowMs();
    const released = Math.min(count - state.firstKept, state.kept.length);
    if (released > 0) {
      state.kept.splice(0, released);
      state.firstKept += released;
    }
    this.#wake();
  }

  /** Message `number` of the state; undefined behind the last. */
  async #messageAt(number: number): Promise<Uint8Array | undefined> {
    const state = this.#state;
    const kept = state.kept[number - state.firstKept];
    if (kept !== undefined || state.isRead) return kept;
    const { value, done } = await state.chunks.next();
    if (done === true) {
      state.isRead = true;
      return undefined;
    }
    state.kept.push(value);
    return value;
  }

  /** Waits until `holds`, or the stream has ended. */
  async #until(holds: () => boolean): Promise<void> {
    while (this.#status === undefined && !holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
