import { invariant } from '../invariant.ts';
import type { Storage } from '../storage.ts';
import type { ConfState, Entry, MemberId, Message } from '../types.ts';
import { describeConf } from './describe.ts';

/** What the checkers look at. */
export interface CheckedMember {
  readonly id: MemberId;
  readonly storage: Storage;
}

interface Committed {
  readonly index: number;
  readonly term: number;
}

/**
 * The guarantees of Raft (dissertation figure 3.2), and the promises that they rest on, checked from outside over a
 * whole run. Each violation throws `InvariantError`.
 */
export class SafetyCheckers {
  readonly #members: ReadonlyMap<MemberId, CheckedMember>;
  readonly #leaders = new Map<number, MemberId>();
  #newestLeader: { term: number; member: CheckedMember } | undefined;
  /** The newest entry that the leader of each term has committed. */
  readonly #committedIn = new Map<number, Committed>();
  /** By index: the term of the entry that was applied, and the application's state after it. */
  readonly #appliedTerms: number[] = [];
  readonly #states: number[] = [];
  /** By index: the membership, where it has changed. */
  readonly #memberships = new Map<number, string>();
  #maxApplied = 0;
  /** By index and term: what comes before it, and its data. */
  readonly #entries = new Map<number, number>();

  constructor(members: ReadonlyMap<MemberId, CheckedMember>) {
    this.#members = members;
  }

  /** The highest index that anybody has applied. */
  get maxApplied(): number {
    return this.#maxApplied;
  }

  get leaderCount(): number {
    return this.#leaders.size;
  }

  /**
   * Election safety: at most one leader per term. Leader completeness: it has every entry that was committed in an
   * earlier term. Its own vote is on disk, as the others' are.
   */
  leads(member: CheckedMember, term: number): void {
    const { id, storage } = member;
    const known = this.#leaders.get(term);
    invariant(known === undefined || known === id, 'two leaders in one term', { term, known, id });
    if (known !== undefined) return;
    this.#leaders.set(term, id);
    const { hardState } = storage.initialState();
    const voted = hardState.term === term && hardState.vote === id;
    invariant(voted, "a leader's own vote is not on disk", { id, term });
    for (const [earlier, committed] of this.#committedIn) {
      if (earlier >= term) continue;
      invariant(has(storage, committed), 'a leader lacks a committed entry', {
        id,
        term,
        index: committed.index,
      });
    }
    if (term > (this.#newestLeader?.term ?? 0)) this.#newestLeader = { term, member };
  }

  /** A leader has committed up to `index` in its own term: a quorum has that on disk, and so has every later leader. */
  commits({ voters, votersOutgoing }: ConfState, term: number, index: number): void {
    const committed = { index, term };
    for (const half of [voters, votersOutgoing]) {
      let count = 0;
      for (const id of half) {
        const storage = this.#members.get(id)?.storage;
        if (storage !== undefined && has(storage, committed)) count++;
      }
      const isQuorum = half.length === 0 || 2 * count > half.length;
      invariant(isQuorum, 'committed, but not on the disks of a quorum', { index, term, half });
    }
    this.#committedIn.set(term, committed);
    const newest = this.#newestLeader;
    if (newest === undefined || newest.term <= term) return;
    invariant(has(newest.member.storage, committed), 'committed behind the back of a newer leader');
  }

  /** State machine safety: nobody applies another entry at the same index, nor arrives at another state. */
  applied(member: CheckedMember, entry: Entry, state: number): void {
    const { index, term } = entry;
    const known = this.#appliedTerms[index];
    invariant(known === undefined || known === term, 'two members applied different entries', {
      index,
    });
    invariant(has(member.storage, entry), 'applied an entry that is not on disk', { index });
    this.#appliedTerms[index] = term;
    this.reached(index, state);
    this.#maxApplied = Math.max(this.#maxApplied, index);
  }

  /** The application is in `state` after `index`, by applying or by a snapshot. */
  reached(index: number, state: number): void {
    const known = this.#states[index];
    invariant(known === undefined || known === state, 'two members differ', { index });
    this.#states[index] = state;
  }

  /** All members have the same membership after `index`. */
  hasMembership(index: number, conf: ConfState): void {
    const text = describeConf(conf);
    const known = this.#memberships.get(index);
    invariant(known === undefined || known === text, 'two members differ in the membership', {
      index,
      known,
      text,
    });
    this.#memberships.set(index, text);
  }

  /** Whether `state` is that after `index`. */
  isStateAt(index: number, state: number): boolean {
    return index === 0 || this.#states[index] === state;
  }

  /**
   * Log matching: an entry of one index and term has the same data, and the same entry before it, in every log. By
   * induction, logs that agree at a position agree in all before it. To be called before `entries` are stored.
   */
  stores(storage: Storage, entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined || first.index < storage.firstIndex()) return;
    let previous = storage.term(first.index - 1);
    for (const entry of entries) {
      const key = entry.index * 2 ** 20 + entry.term;
      let hash = previous;
      for (const byte of entry.data) hash = (Math.imul(hash, 31) + byte) | 0;
      const known = this.#entries.get(key);
      invariant(known === undefined || known === hash, 'two logs agree, but not before', {
        index: entry.index,
        term: entry.term,
      });
      if (known === undefined) this.#entries.set(key, hash);
      previous = entry.term;
    }
  }

  /** What a message promises is on disk when it is sent (Raft dissertation §3.8). */
  sends({ storage }: CheckedMember, message: Message): void {
    if (message.reject) return;
    const { hardState } = storage.initialState();
    if (message.type === 'MsgVoteResp') {
      const kept =
        hardState.term > message.term ||
        (hardState.term === message.term && hardState.vote === message.to);
      invariant(kept, 'a vote was given that is not on disk', { term: message.term });
    } else if (message.type === 'MsgAppResp' && hardState.term <= message.term) {
      const kept = hardState.term === message.term || message.index === 0;
      invariant(kept, 'entries were acknowledged in a term that is not on disk');
      const stored = message.index <= storage.lastIndex();
      invariant(stored, 'entries were acknowledged that are not on disk', { index: message.index });
    }
  }
}

/** Whether a disk has that entry, in its log or as part of a snapshot. */
function has(storage: Storage, { index, term }: Committed): boolean {
  if (index > storage.lastIndex()) return false;
  return index < storage.firstIndex() - 1 || storage.term(index) === term;
}
