import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeaseCheckpoint } from './expiry.ts';
import { LeaseMember } from './testing/lease-member.ts';

const MEMBERS = 3;
const IDS = [1n, 2n, 3n, 4n];

/** What members agree on, in the order of the log. `answer` runs where it was proposed, once it is applied there. */
interface Entry {
  readonly kind: 'grant' | 'revoke' | 'checkpoint';
  readonly id: bigint;
  readonly seconds: number;
  readonly answer: (() => void) | undefined;
  /** How often the id had been granted when this was proposed. */
  readonly grants: number;
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      id: fc.nat(3),
      seconds: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('renew' as const), id: fc.nat(3) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 2500 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('replicate' as const),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), index: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'expire' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('elect' as const),
      who: fc.nat(MEMBERS - 1),
      kept: fc.nat(6),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('restart' as const), who: fc.nat(MEMBERS - 1) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A cluster without a network: a log, members that apply it, and clients that remember what they were promised. */
class Cluster {
  readonly clock = { ms: 0 };
  readonly members = Array.from({ length: MEMBERS }, () => new LeaseMember(this.clock));
  /** Proposed and not yet applied. */
  inFlight: Entry[] = [];
  leader = 0;
  /** Until when each lease must live, by what its client was answered. */
  readonly promised = new Map<bigint, number>();
  /** How often each id was granted. */
  readonly #grants = new Map<bigint, number>();
  #lessors = this.members.map((member) => member.lessor);

  constructor() {
    this.#lessors[0]?.promote(0);
  }

  get #primary() {
    const lessor = this.#lessors[this.leader];
    if (lessor === undefined) throw new Error('no leader');
    return lessor;
  }

  run(todo: Step): void {
    switch (todo.kind) {
      case 'grant':
        this.#propose('grant', IDS[todo.id] ?? 0n, todo.seconds);
        return;
      case 'renew':
        this.#renew(IDS[todo.id] ?? 0n);
        return;
      case 'wait':
        this.clock.ms += todo.ms;
        return;
      case 'replicate':
        this.#replicate(todo.count);
        return;
      case 'lose':
        this.inFlight.splice(todo.index, 1);
        return;
      case 'expire':
        for (const id of this.#primary.expired(10)) {
          expect(this.clock.ms).toBeGreaterThanOrEqual(this.promised.get(id) ?? 0);
          this.#propose('revoke', id, 0);
        }
        return;
      case 'checkpoint':
        this.#proposeCheckpoints(this.#primary.checkpointsDue());
        return;
      case 'restart':
        this.#restart(todo.who);
        return;
      case 'elect':
        this.#elect(todo.who, todo.kept);
    }
  }

  /** Every lease goes once its client stays away, on all members alike. */
  finish(): void {
    this.#replicate(this.inFlight.length);
    for (let i = 0; i < 100 && this.#primary.size > 0; i += 1) {
      this.clock.ms += 1000;
      this.run({ kind: 'checkpoint' });
      this.run({ kind: 'expire' });
      this.#replicate(this.inFlight.length);
    }
    for (const lessor of this.#lessors) expect(lessor.size).toBe(0);
    for (const member of this.members) {
      expect(member.store.revision).toBe(this.members[0]?.store.revision);
      expect(IDS.flatMap((id) => member.keysOf(id))).toEqual([]);
    }
  }

  #propose(kind: Entry['kind'], id: bigint, seconds: number, answer?: () => void): void {
    const grants = this.#grants.get(id) ?? 0;
    this.inFlight.push({ kind, id, seconds, answer, grants });
  }

  #proposeCheckpoints(checkpoints: readonly LeaseCheckpoint[]): void {
    for (const { id, remainingSeconds } of checkpoints) {
      this.#propose('checkpoint', id, remainingSeconds);
    }
  }

  /** A client's renewal, as a server must do it: until no reset is needed, and only then answered. */
  #renew(id: bigint): void {
    const renewal = this.#primary.renew(id);
    if (renewal === undefined) return;
    if (renewal.needsReset) this.#propose('checkpoint', id, 0, () => this.#renew(id));
    else this.#promise(id, renewal.ttlSeconds);
  }

  #promise(id: bigint, ttlSeconds: number): void {
    this.promised.set(id, this.clock.ms + ttlSeconds * 1000);
  }

  #replicate(count: number): void {
    for (const entry of this.inFlight.splice(0, count)) {
      for (const [index, member] of this.members.entries()) this.#apply(member, index, entry);
      entry.answer?.();
    }
  }

  /**
   * A revoke or checkpoint of the lease that had an id before may meet the one that has it now: in etcd's log they have
   * nothing but the id. No promise holds then; see `Lessor`.
   */
  #apply(member: LeaseMember, index: number, { kind, id, seconds, grants }: Entry): void {
    const lessor = this.#lessors[index];
    if (lessor === undefined) return;
    const isLeader = index === this.leader;
    member.apply((batch) => {
      const meantThisLease = grants === (this.#grants.get(id) ?? 0);
      if (kind === 'checkpoint') {
        lessor.checkpoint(batch, id, seconds);
        if (isLeader && !meantThisLease) this.promised.delete(id);
      } else if (kind === 'grant' && !lessor.has(id)) {
        const ttlSeconds = lessor.grant(batch, id, seconds);
        const txn = batch.begin();
        txn.put(new Uint8Array([Number(id)]), new Uint8Array(0), id);
        txn.end();
        if (!isLeader) return;
        this.#grants.set(id, (this.#grants.get(id) ?? 0) + 1);
        this.#promise(id, ttlSeconds);
      } else if (kind === 'revoke' && lessor.has(id)) {
        expect(lessor.revoke(batch, id)).toBe(1);
        if (!isLeader) return;
        if (meantThisLease) {
          expect(this.clock.ms).toBeGreaterThanOrEqual(this.promised.get(id) ?? 0);
        }
        this.promised.delete(id);
      }
    });
  }

  /**
   * Another leader: some of what was in flight still comes, before it is promoted, and nobody is answered; the rest is
   * lost.
   */
  #elect(who: number, kept: number): void {
    this.#primary.demote();
    this.inFlight = this.inFlight.slice(0, kept).map((entry) => ({ ...entry, answer: undefined }));
    this.leader = who;
    this.#replicate(this.inFlight.length);
    this.#primary.promote(0);
  }

  /** A member starts again from its disk; when it leads, it is elected again. */
  #restart(who: number): void {
    const member = this.members[who];
    if (member === undefined) return;
    if (who === this.leader) this.#primary.demote();
    this.#lessors[who] = member.openLessor();
    if (who === this.leader) this.#elect(who, 0);
  }
}

describe('leases of a cluster', () => {
  it('never expire before what any client was promised, and are revoked once', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), (steps) => {
        const cluster = new Cluster();
        for (const todo of steps) cluster.run(todo);
        cluster.finish();
      }),
      { numRuns: 300 },
    );
  });
});
