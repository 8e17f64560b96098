import { invariant } from '../invariant.ts';
import type { Storage } from '../storage.ts';
import type { Entry, MemberId } from '../types.ts';

/**
 * The guarantees of Raft (dissertation figure 3.2), checked from outside over a whole run. Each violation throws
 * `InvariantError`. Leaders are append-only by construction: `MemoryStorage` is checked through the logs.
 */
export class SafetyCheckers {
  readonly #leaders = new Map<number, MemberId>();
  /** Every entry that anybody applied. */
  readonly #applied = new Map<number, { term: number; data: string }>();
  /** The application's state after each index. */
  readonly #states = new Map<number, string>();
  #maxApplied = 0;

  /** The highest index that anybody has applied. */
  get maxApplied(): number {
    return this.#maxApplied;
  }

  get leaderCount(): number {
    return this.#leaders.size;
  }

  /**
   * Election safety: at most one leader per term. Leader completeness: it has every entry that was ever committed.
   */
  leads(id: MemberId, term: number, log: Storage): void {
    const known = this.#leaders.get(term);
    invariant(known === undefined || known === id, 'two leaders in one term', { term, known, id });
    if (known !== undefined) return;
    this.#leaders.set(term, id);
    invariant(log.lastIndex() >= this.#maxApplied, 'a leader lacks committed entries', {
      id,
      term,
    });
    for (let index = log.firstIndex(); index <= this.#maxApplied; index++) {
      const committed = this.#applied.get(index);
      invariant(committed?.term === log.term(index), 'a leader lacks a committed entry', { index });
    }
  }

  /** State machine safety: nobody applies another entry at the same index, nor arrives at another state. */
  applied(entry: Entry, state: string): void {
    const data = entry.data.join();
    const known = this.#applied.get(entry.index);
    if (known === undefined) {
      this.#applied.set(entry.index, { term: entry.term, data });
    } else {
      const same = known.term === entry.term && known.data === data;
      invariant(same, 'two members applied different entries', { index: entry.index });
    }
    this.reached(entry.index, state);
    this.#maxApplied = Math.max(this.#maxApplied, entry.index);
  }

  /** The application is in `state` after `index`, by applying or by a snapshot. */
  reached(index: number, state: string): void {
    const known = this.#states.get(index);
    invariant(known === undefined || known === state, 'two members differ', {
      index,
      state,
      known,
    });
    this.#states.set(index, state);
  }

  /** Log matching: where two logs have an entry of the same index and term, they agree in all before it. */
  logsMatch(logs: readonly Storage[]): void {
    for (const [i, a] of logs.entries()) {
      for (const b of logs.slice(i + 1)) this.#twoLogsMatch(a, b);
    }
  }

  #twoLogsMatch(a: Storage, b: Storage): void {
    const lowest = Math.max(a.firstIndex(), b.firstIndex());
    let agreed = false;
    for (let index = Math.min(a.lastIndex(), b.lastIndex()); index >= lowest; index--) {
      const same = a.term(index) === b.term(index);
      invariant(same || !agreed, 'two logs agree at an index but not before it', { index });
      agreed = same;
    }
  }
}
