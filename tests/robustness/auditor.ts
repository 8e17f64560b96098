import { isDeepStrictEqual } from 'node:util';
import type { Pair } from '@kvorum/server/testing';
import type { TestClient } from '../framework/client.ts';
import { type Change, type Event, Model } from './model.ts';
import { observe, observeLeases } from './observed.ts';
import { ResumingWatch } from './resuming-watch.ts';
import type { Write } from './writer.ts';

/** What is there after a restart. */
export interface Audited {
  readonly revision: number;
  readonly keys: readonly Pair[];
  readonly leases: ReadonlySet<bigint>;
}

/**
 * Holds what clients were promised against what a member has: every acknowledged write at its revision, every other
 * write wholly or not at all, and nothing else.
 */
export class Auditor {
  /** Everything that ever happened, in order. */
  readonly history: Event[] = [];
  readonly #model = new Model();
  readonly #acknowledged = new Map<number, Write>();
  readonly #unanswered = new Set<Write>();
  /** Leases that were granted and not revoked, as far as answers tell. */
  readonly #leases = new Set<bigint>();
  /** The latest revision that any client was told of. */
  #promised = 1;
  #count = 0;

  /** Revision up to which everything is audited. */
  get revision(): number {
    return this.#model.revision;
  }

  /** Writes that were answered. */
  get acknowledgedCount(): number {
    return this.#count;
  }

  /** Takes note of a write before it is sent. */
  sent(write: Write): void {
    this.#unanswered.add(write);
  }

  /** Takes note of an answer. */
  answered(write: Write, revision: number): void {
    write.acknowledged = revision;
    this.#count++;
    this.#unanswered.delete(write);
    this.#promised = Math.max(this.#promised, revision);
    if (write.grants !== undefined) this.#leases.add(write.grants);
    if (write.revokes !== undefined) this.#leases.delete(write.revokes);
    if (write.changes.length === 0) return;
    const other = this.#acknowledged.get(revision);
    if (other !== undefined) throw new Error(`${revision} is ${other.what} and ${write.what}`);
    this.#acknowledged.set(revision, write);
  }

  /** Audits a member that no client writes to. Throws when a promise was broken. */
  async audit(client: TestClient): Promise<Audited> {
    const { revision, keys } = await observe(client);
    if (revision < this.#promised) {
      throw new Error(`the revision went back from ${this.#promised} to ${revision}`);
    }
    for (const events of await this.#newEvents(client, revision)) this.#take(events);
    const [lost] = this.#acknowledged.values();
    if (lost !== undefined) throw new Error(`lost: ${lost.what} at ${lost.acknowledged}`);
    if (!isDeepStrictEqual(keys, this.#model.state())) {
      const shown = show({ keys, expected: this.#model.state() });
      throw new Error(`a range shows what the history does not lead to: ${shown}`);
    }
    const leases = await observeLeases(client);
    this.#auditLeases(leases);
    this.#unanswered.clear();
    return { revision, keys, leases };
  }

  /** The events since the last audit, by revision. */
  async #newEvents(client: TestClient, revision: number): Promise<Event[][]> {
    if (revision === this.revision) return [];
    const watch = new ResumingWatch({ key: '\0', rangeEnd: '\0' }, this.revision + 1);
    watch.resume(client);
    await watch.reach(revision);
    await watch.close();
    if (watch.violations.length > 0) throw new Error(watch.violations.join('\n'));
    return [...Map.groupBy(watch.events, (event) => event.revision).values()];
  }

  #take(events: readonly Event[]): void {
    const revision = events[0]?.revision ?? 0;
    this.#model.apply(revision, events);
    this.history.push(...events);
    const changes: Change[] = events.map(({ key, value, lease }) => ({ key, value, lease }));
    const write = this.#writeOf(revision, changes);
    if (write === undefined) {
      const told = this.#acknowledged.get(revision);
      const answer = told === undefined ? '' : `, where an answer told of ${show(told)}`;
      throw new Error(`nobody wrote what is at ${revision}: ${show(changes)}${answer}`);
    }
    this.#acknowledged.delete(revision);
    this.#unanswered.delete(write);
    if (write.revokes !== undefined) this.#leases.delete(write.revokes);
  }

  #writeOf(revision: number, changes: readonly Change[]): Write | undefined {
    const acknowledged = this.#acknowledged.get(revision);
    if (acknowledged !== undefined) {
      return isDeepStrictEqual(acknowledged.changes, changes) ? acknowledged : undefined;
    }
    return [...this.#unanswered].find((write) => isDeepStrictEqual(write.changes, changes));
  }

  /** What is left of the unanswered writes did not happen, unless it changed leases alone. */
  #auditLeases(leases: ReadonlySet<bigint>): void {
    for (const { grants, revokes, changes, what } of this.#unanswered) {
      const happened = grants !== undefined && leases.has(grants);
      if (happened) this.#leases.add(grants);
      if (revokes === undefined || leases.has(revokes)) continue;
      if (changes.length > 0) throw new Error(`half done: ${what}`);
      this.#leases.delete(revokes);
    }
    if (isDeepStrictEqual([...leases].sort(), [...this.#leases].sort())) return;
    throw new Error(`leases are ${[...leases].sort()}, not ${[...this.#leases].sort()}`);
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
}
