import type { RawNode } from '@kvorum/raft';
import type { Leadership } from './leadership.ts';

/** Ticks that are left for a leader to be heard of, as in etcd. */
const TICKS_LEFT = 2;

/**
 * Hastens a member's first election (--initial-election-tick-advance): whoever has just started has waited for nobody
 * yet, and once a majority is connected there is no need to wait the whole time-out.
 */
export class FirstElection {
  readonly #node: RawNode;
  readonly #leadership: Leadership;
  readonly #electionTicks: number;
  #isPast: boolean;

  constructor(
    node: RawNode,
    leadership: Leadership,
    options: { electionTicks: number; isHastened: boolean },
  ) {
    this.#node = node;
    this.#leadership = leadership;
    this.#electionTicks = options.electionTicks;
    this.#isPast = !options.isHastened;
  }

  /** Looked at with each tick. */
  maybeHasten(): void {
    if (this.#isPast || !this.#leadership.isQuorumConnected()) return;
    this.#isPast = true;
    if (this.#node.leader !== 0n) return;
    for (let i = TICKS_LEFT; i < this.#electionTicks; i++) this.#node.tick();
  }
}
