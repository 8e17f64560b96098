import { decodeKeyValue, type Store, type StoreEvent } from '@kvorum/mvcc';
import type { Message } from '@kvorum/raft';
import type { History, KeyEvent, Pair } from '../history/index.ts';
import type { SimMember } from '../sim-member.ts';

/** What members must agree in, looked at while they run. */
export class MemberChecks {
  readonly violations: string[] = [];
  readonly #history: History;
  /** Who sent as the leader of a term. */
  readonly #leaders = new Map<number, number>();
  /** Events of each revision, as the first member had them. */
  readonly #events = new Map<number, readonly StoreEvent[]>();
  readonly #watched = new WeakSet<Store>();
  /** The newest revision that each member has made since it was started. */
  readonly #committed = new WeakMap<SimMember, number>();
  /** The newest revision that a client was told of by each member. */
  readonly #told = new Map<number, number>();

  constructor(history: History) {
    this.#history = history;
  }

  /** Leaders that there were. */
  get terms(): number {
    return this.#leaders.size;
  }

  /** Election safety: a term has one leader. */
  sent(from: number, { type, term }: Message): void {
    if (type !== 'MsgApp' && type !== 'MsgHeartbeat' && type !== 'MsgSnap') return;
    const leader = this.#leaders.get(term);
    if (leader === undefined) this.#leaders.set(term, from);
    else if (leader !== from) this.#report(`m${leader} and m${from} both lead in term ${term}`);
  }

  /** State-machine safety: what one member applies at a revision, all do. Called for each store that a member has. */
  watchStore(index: number, member: SimMember): void {
    const { store } = member.core;
    if (this.#watched.has(store)) return;
    this.#watched.add(store);
    store.onCommit((events, revision) => {
      const last = this.#committed.get(member) ?? 0;
      if (revision <= last)
        this.#report(`m${index} went back from revision ${last} to ${revision}`);
      this.#committed.set(member, revision);
      for (const [main, some] of Map.groupBy(events, (event) => event.main)) {
        this.#applied(index, main, some);
      }
    });
  }

  /** A client was told of a revision by a member. */
  told(index: number, revision: number): void {
    this.#told.set(index, Math.max(revision, this.#told.get(index) ?? 0));
  }

  /** A member serves again: it must not be behind what it has told. */
  served(index: number, revision: number): void {
    const told = this.#told.get(index) ?? 0;
    if (revision < told) this.#report(`m${index} went back from revision ${told} to ${revision}`);
  }

  #applied(index: number, revision: number, events: readonly StoreEvent[]): void {
    const known = this.#events.get(revision);
    if (known === undefined) {
      this.#events.set(revision, events);
      this.#history.log.push(...events.map(eventOf));
      return;
    }
    const agrees =
      known.length === events.length &&
      known.every(({ kv, deleted }, i) => {
        const other = events[i];
        return other?.deleted === deleted && Buffer.compare(kv, other.kv) === 0;
      });
    if (!agrees)
      this.#report(`m${index} has another revision ${revision} than the first to have it`);
  }

  #report(text: string): void {
    this.violations.push(text);
  }
}

function eventOf(event: StoreEvent): KeyEvent {
  const pair = pairOf(event.kv);
  return { key: pair.key, revision: event.main, pair: event.deleted ? undefined : pair };
}

/** A pair from its stored form. */
export function pairOf(wire: Uint8Array): Pair {
  const { key, value, createRevision, modRevision, version, lease } = decodeKeyValue(wire);
  return {
    key: Buffer.from(key).toString(),
    value: Buffer.from(value).toString(),
    createRevision,
    modRevision,
    version,
    lease,
  };
}
