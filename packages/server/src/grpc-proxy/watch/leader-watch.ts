import { ClientError, type ResponseStream } from '@kvorum/client';
import type { Clock } from '../../clock.ts';

/** Whoever must not go on while the members have no leader. */
export interface NeedsLeader {
  onNoLeader(): void;
}

/** What a leader watch is made of. */
export interface LeaderWatchOptions {
  /** Begins a stream to the next member that ends with "noLeader" when that has none. */
  readonly open: () => ResponseStream<unknown>;
  /** How many members there are to ask. */
  readonly endpointCount: () => number;
  readonly clock: Pick<Clock, 'after'>;
}

/** Between two streams, in ms. */
const PAUSE_MS = 200;

/**
 * Tells streams of clients that asked for it (`hasleader`) when the members have lost their leader, which the shared
 * watches would wait out. Members are asked as long as there are such streams: one after the other, since one that
 * knows no leader may be cut off from the others alone.
 */
export class LeaderWatch {
  readonly #options: LeaderWatchOptions;
  readonly #waiting = new Set<NeedsLeader>();
  #stream: ResponseStream<unknown> | undefined;
  #callOffPause: (() => void) | undefined;
  /** Members in a row that had no leader. */
  #leaderless = 0;

  constructor(options: LeaderWatchOptions) {
    this.#options = options;
  }

  add(one: NeedsLeader): void {
    this.#waiting.add(one);
    if (this.#stream === undefined && this.#callOffPause === undefined) this.#open();
  }

  delete(one: NeedsLeader): void {
    this.#waiting.delete(one);
    if (this.#waiting.size > 0) return;
    this.#callOffPause?.();
    this.#callOffPause = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
  }

  #open(): void {
    const stream = this.#options.open();
    this.#stream = stream;
    void this.#read(stream);
  }

  async #read(stream: ResponseStream<unknown>): Promise<void> {
    let isLeaderless = false;
    try {
      for await (const _answer of stream) this.#leaderless = 0;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      isLeaderless = error.code === 'noLeader';
    }
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#leaderless = isLeaderless ? this.#leaderless + 1 : 0;
    if (this.#leaderless >= this.#options.endpointCount()) {
      this.#leaderless = 0;
      for (const one of [...this.#waiting]) one.onNoLeader();
    }
    if (this.#waiting.size === 0 || this.#callOffPause !== undefined) return;
    this.#callOffPause = this.#options.clock.after(PAUSE_MS, () => {
      this.#callOffPause = undefined;
      if (this.#stream === undefined) this.#open();
    });
  }
}
