import { IndexedHeap } from '../watch/indexed-heap.ts';
import { CheckpointLedger } from './checkpoint-ledger.ts';
import type { Lease } from './lease.ts';
import { RevokeAllowance } from './revoke-allowance.ts';

/** A lease that is revoked and does not go is handed out again after this time, in ms, as in etcd. */
const REVOKE_RETRY_MS = 3000;
/** A lease that nobody renews is worth a checkpoint after this share of its TTL … */
const FIRST_CHECKPOINT_SHARE = 0.4;
/** … and then again after this share of it, but not more often than once in this time. */
const NEXT_CHECKPOINT_SHARE = 0.1;
const MIN_CHECKPOINT_INTERVAL_MS = 1000;
/** Share of the revoke rate that may expire in one second after a promotion, to leave room for the rest. */
const PROMOTED_SHARE = 0.75;

/** Leases sorted out in one call, at about 0.7 us each; the rest of a flood waits for the next call. */
const MAX_WAKES_PER_CALL = 32_768;

/** A lease's remaining time, for replication. 0 means its whole TTL: a reset. */
export interface LeaseCheckpoint {
  readonly id: bigint;
  readonly remainingSeconds: number;
}

/**
 * The time of all leases, as the primary keeps it in memory. A heap wakes each lease when there may be something to do.
 * A renewal only writes the new times into the lease, which is then found too early by the heap and put back: so to
 * renew costs the same with a million leases.
 */
export class Expiry {
  readonly #heap = new IndexedHeap<Lease>();
  /** Expired and to be handed out, in order of expiry. */
  readonly #expired = new Set<Lease>();
  readonly #checkpointsDue = new Set<Lease>();
  readonly #allowance: RevokeAllowance;

  /**
   * Starts with the time that each lease has left by the last checkpoint, and `extendMs` more: what it may have been
   * renewed for since is not known. At most three quarters of the revoke rate fall into any one second.
   */
  constructor(leases: Iterable<Lease>, nowMs: number, extendMs: number, revokesPerSecond: number) {
    this.#allowance = new RevokeAllowance(revokesPerSecond, nowMs);
    const sorted = [...leases].sort(byTimeLeft);
    const perSecond = Math.max(1, Math.floor(revokesPerSecond * PROMOTED_SHARE));
    const expiries: number[] = [];
    for (const lease of sorted) {
      const secondBefore = expiries[expiries.length - perSecond] ?? Number.NEGATIVE_INFINITY;
      const due = nowMs + secondsLeft(lease) * 1000 + extendMs;
      const expiryMs = Math.max(due, secondBefore + 1000);
      expiries.push(expiryMs);
      lease.expiryMs = expiryMs;
      // One that had a checkpoint is not renewed by anybody, as far as is known: its next one is near.
      const known = lease.remainingSeconds > 0;
      lease.checkpointMs = nowMs + (known ? nextInterval(lease) : firstInterval(lease));
      this.#wake(lease);
    }
  }

  /** Gives a lease its whole TTL from now on; never less than it had. */
  extend(lease: Lease, nowMs: number): void {
    const expiryMs = nowMs + lease.ttlSeconds * 1000;
    if (lease.expiryMs === Number.POSITIVE_INFINITY || lease.expiryMs < expiryMs) {
      lease.expiryMs = expiryMs;
    }
    lease.checkpointMs = nowMs + firstInterval(lease);
    this.#checkpointsDue.delete(lease);
    const wakeMs = Math.min(lease.expiryMs, lease.checkpointMs);
    // The heap may wake it too early, but never too late.
    if (lease.heapIndex === -1 || wakeMs < lease.wakeMs) this.#wake(lease);
  }

  /** Forgets a lease. */
  delete(lease: Lease): void {
    this.#heap.delete(lease);
    this.#expired.delete(lease);
    this.#checkpointsDue.delete(lease);
  }

  /** Takes the time away from all leases. The object can't be used any more. */
  end(leases: Iterable<Lease>): void {
    this.#heap.clear();
    for (const lease of leases) {
      lease.expiryMs = Number.POSITIVE_INFINITY;
      lease.checkpointMs = Number.POSITIVE_INFINITY;
      lease.wakeMs = Number.POSITIVE_INFINITY;
      lease.ledger = undefined;
    }
  }

  /** Leases to revoke, the longest expired first, as many as the limit and the rate allow. */
  expired(limit: number, nowMs: number): Lease[] {
    this.#advance(nowMs);
    const count = this.#allowance.take(Math.min(limit, this.#expired.size), nowMs);
    const taken: Lease[] = [];
    for (const lease of this.#expired) {
      if (taken.length === count) break;
      taken.push(lease);
    }
    for (const lease of taken) {
      this.#expired.delete(lease);
      lease.wakeMs = nowMs + REVOKE_RETRY_MS;
      this.#heap.set(lease, lease.wakeMs);
    }
    return taken;
  }

  /** Checkpoints that are due, at most `limit`. */
  checkpointsDue(limit: number, nowMs: number): LeaseCheckpoint[] {
    this.#advance(nowMs);
    const checkpoints: LeaseCheckpoint[] = [];
    for (const lease of this.#checkpointsDue) {
      if (checkpoints.length === limit) break;
      this.#checkpointsDue.delete(lease);
      const checkpoint = this.checkpointOf(lease, nowMs);
      if (checkpoint !== undefined) checkpoints.push(checkpoint);
    }
    return checkpoints;
  }

  /** Hands out a checkpoint of what a lease has left; undefined when that says nothing new. */
  checkpointOf(lease: Lease, nowMs: number): LeaseCheckpoint | undefined {
    if (nowMs >= lease.expiryMs) return undefined;
    // Rounded up: a lease may get a part of a second too much, never too little.
    const remainingSeconds = Math.ceil((lease.expiryMs - nowMs) / 1000);
    if (remainingSeconds >= secondsLeft(lease)) return undefined;
    lease.ledger ??= new CheckpointLedger();
    if (!lease.ledger.hasRoom) return undefined;
    lease.ledger.handOut('checkpoint');
    return { id: lease.id, remainingSeconds };
  }

  /** Notes that a reset of a lease is about to be replicated. */
  handOutReset(lease: Lease): void {
    lease.ledger ??= new CheckpointLedger();
    lease.ledger.handOut('reset');
  }

  /** Sorts out the leases whose time has come. */
  #advance(nowMs: number): void {
    for (let i = 0; i < MAX_WAKES_PER_CALL && this.#heap.minKey <= nowMs; i += 1) {
      const lease = this.#heap.pop();
      if (lease === undefined) return;
      if (lease.wakeMs < lease.expiryMs && lease.expiryMs <= nowMs) {
        // Found by the time of its checkpoint: it goes back, so that leases leave in the order of their expiry.
        lease.wakeMs = lease.expiryMs;
        this.#heap.set(lease, lease.wakeMs);
        continue;
      }
      if (lease.expiryMs <= nowMs) {
        this.#checkpointsDue.delete(lease);
        this.#expired.add(lease);
        continue;
      }
      if (lease.checkpointMs <= nowMs) {
        this.#checkpointsDue.add(lease);
        lease.checkpointMs = nowMs + nextInterval(lease);
      }
      this.#wake(lease);
    }
  }

  #wake(lease: Lease): void {
    lease.wakeMs = Math.min(lease.expiryMs, lease.checkpointMs);
    this.#heap.set(lease, lease.wakeMs);
  }
}

/** Seconds that a lease has left, by what is replicated. */
function secondsLeft(lease: Lease): number {
  return lease.remainingSeconds > 0 ? lease.remainingSeconds : lease.ttlSeconds;
}

function byTimeLeft(a: Lease, b: Lease): number {
  const difference = secondsLeft(a) - secondsLeft(b);
  if (difference !== 0) return difference;
  return a.id < b.id ? -1 : 1;
}

function firstInterval(lease: Lease): number {
  return lease.ttlSeconds * 1000 * FIRST_CHECKPOINT_SHARE;
}

function nextInterval(lease: Lease): number {
  return Math.max(MIN_CHECKPOINT_INTERVAL_MS, lease.ttlSeconds * 1000 * NEXT_CHECKPOINT_SHARE);
}
