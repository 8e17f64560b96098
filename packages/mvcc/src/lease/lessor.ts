import type { ApplyBatch } from '../apply-batch.ts';
import { keyBytesOf } from '../key-text.ts';
import { leaseIdBytes } from '../lease-key.ts';
import type { Store } from '../store.ts';
import { Expiry, type LeaseCheckpoint } from './expiry.ts';
import { Lease } from './lease.ts';
import { LeaseError } from './lease-error.ts';
import { decodeLease, encodeLease } from './lease-row.ts';

/** The longest TTL that can be granted, in seconds; as in etcd. */
export const MAX_LEASE_TTL_SECONDS = 9_000_000_000;
/** One and a half election timeouts of etcd's default, in whole seconds. */
const DEFAULT_MIN_TTL_SECONDS = 2;
const DEFAULT_REVOKES_PER_SECOND = 1000;
/** As many as etcd puts into one request. */
const DEFAULT_CHECKPOINT_LIMIT = 1000;
const ROWS_PER_READ = 1024;
const NO_RANGE_END = new Uint8Array(0);

/** What a lessor works with. */
export interface LessorOptions {
  /** Holds the leases and the keys attached to them. */
  readonly store: Store;
  /** Monotonic, in milliseconds. Only the primary's matters. */
  readonly now: () => number;
  /** The least TTL that is granted, in seconds; it must outlast an election. Default 2. */
  readonly minTtlSeconds?: number;
  /** How many expired leases `expired` hands out per second at most. Default 1000. */
  readonly revokesPerSecond?: number;
}

/** What a renewal says. */
export interface LeaseRenewal {
  /** The TTL that was granted, and that the lease now has again. */
  readonly ttlSeconds: number;
  /**
   * A shorter time of the lease is replicated, or about to be, and would come back with another leader. Replicate a
   * checkpoint of 0 for it, and once that is applied, renew again before the client is told.
   */
  readonly needsReset: boolean;
}

/** How long a lease still lives. */
export interface LeaseTime {
  /** Whole seconds, rounded down. */
  readonly remainingSeconds: number;
  readonly grantedSeconds: number;
}

/** Counters since the start, and a gauge. */
export interface LeaseMetrics {
  readonly leases: number;
  readonly grantedTotal: number;
  readonly revokedTotal: number;
  readonly renewedTotal: number;
  /** Leases handed out for revocation; one that is handed out again counts again. */
  readonly expiredTotal: number;
}

/**
 * The leases of a member. Which there are, their TTLs and the keys attached to them are replicated: `grant`, `revoke`
 * and `checkpoint` are applied by every member, to the same effect. Time passes on one member only, the primary, which
 * the leader is: it renews leases, finds those that expired, and has them revoked through the log.
 *
 * A lease never expires early: not before its TTL has passed since it was granted or since a renewal was answered, on
 * whichever member. It may live longer, by the time that leaders change hands or that nobody leads.
 *
 * That holds for ids that are used once. As in etcd's log, a revoke or a checkpoint names a lease by its id alone, so
 * one that is late meets a lease that a client has had granted again under the same id. Ids chosen by the server never
 * come twice.
 */
export class Lessor {
  readonly #now: () => number;
  readonly #minTtlSeconds: number;
  readonly #revokesPerSecond: number;
  /** A map by bigint: measured at 0.3 us a look-up among 200,000, half of what numbers or texts made of ids cost. */
  readonly #leases = new Map<bigint, Lease>();
  #store: Store;
  #expiry: Expiry | undefined;
  #grantedTotal = 0;
  #revokedTotal = 0;
  #renewedTotal = 0;
  #expiredTotal = 0;

  private constructor(options: LessorOptions) {
    this.#store = options.store;
    this.#now = options.now;
    this.#minTtlSeconds = options.minTtlSeconds ?? DEFAULT_MIN_TTL_SECONDS;
    this.#revokesPerSecond = options.revokesPerSecond ?? DEFAULT_REVOKES_PER_SECOND;
  }

  /** Reads the leases, not the keys attached to them. Starts as a member that is not primary. */
  static open(options: LessorOptions): Lessor {
    const lessor = new Lessor(options);
    lessor.reload(options.store);
    return lessor;
  }

  /** Number of leases, those included that expired and are not yet revoked. */
  get size(): number {
    return this.#leases.size;
  }

  /** Whether time passes here: leases expire at the leader only. */
  get isPrimary(): boolean {
    return this.#expiry !== undefined;
  }

  /** For those who watch over a member. */
  get metrics(): LeaseMetrics {
    return {
      leases: this.#leases.size,
      grantedTotal: this.#grantedTotal,
      revokedTotal: this.#revokedTotal,
      renewedTotal: this.#renewedTotal,
      expiredTotal: this.#expiredTotal,
    };
  }

  /**
   * Forgets everything and reads the leases of `store`: after a snapshot was taken over, or when a batch that changed
   * leases was not committed. Not primary any more.
   */
  reload(store: Store): void {
    this.demote();
    this.#store = store;
    this.#leases.clear();
    const scan = store.engine.scan('leases');
    for (let rows = scan.next(ROWS_PER_READ); rows.length > 0; rows = scan.next(ROWS_PER_READ)) {
      for (let i = 0; i + 1 < rows.length; i += 2) {
        const lease = decodeLease(rows[i] ?? NO_RANGE_END, rows[i + 1] ?? NO_RANGE_END);
        this.#leases.set(lease.id, lease);
      }
    }
    scan.close();
  }

  /** Whether there is such a lease, expired or not, with all that was applied so far. */
  has(id: bigint): boolean {
    return this.#leases.has(id);
  }

  /** Keys attached to a lease, in byte order, as of the last commit. The caller owns them. */
  keysOf(id: bigint): Uint8Array[] {
    return this.#store.leaseKeys(id).map(keyBytesOf);
  }

  /**
   * Applies a grant; returns the TTL in seconds, raised to the least one if it is below. Throws `LeaseError` "exists"
   * or "ttlTooLarge", with nothing changed. The batch must be committed.
   */
  grant(batch: ApplyBatch, id: bigint, ttlSeconds: number): number {
    if (ttlSeconds > MAX_LEASE_TTL_SECONDS) {
      throw new LeaseError('ttlTooLarge', `a TTL of ${ttlSeconds} s is too large`);
    }
    if (this.#leases.has(id)) throw new LeaseError('exists', `lease ${id} exists`);
    const lease = new Lease(id, Math.max(ttlSeconds, this.#minTtlSeconds), 0);
    this.#leases.set(id, lease);
    batch.putRow('leases', leaseIdBytes(id), encodeLease(lease));
    this.#expiry?.extend(lease, this.#now());
    this.#grantedTotal += 1;
    return lease.ttlSeconds;
  }

  /**
   * Applies a revoke: removes the lease and deletes the keys attached to it, in byte order and in one revision. Without
   * keys the revision stays. Returns the number of keys. Throws `LeaseError` "notFound". The batch must be committed.
   */
  revoke(batch: ApplyBatch, id: bigint): number {
    const lease = this.#mustFind(id);
    const keyTexts = batch.leaseKeys(id);
    if (keyTexts.length > 0) {
      batch.prefetch(keyTexts);
      const txn = batch.begin();
      for (const keyText of keyTexts) txn.deleteRange(keyBytesOf(keyText), NO_RANGE_END);
      txn.end();
    }
    batch.deleteRow('leases', leaseIdBytes(id));
    this.#leases.delete(id);
    this.#expiry?.delete(lease);
    this.#revokedTotal += 1;
    return keyTexts.length;
  }

  /**
   * Applies a checkpoint: a leader to come gives the lease this time instead of its whole TTL; 0 takes that back. Does
   * nothing for a lease that is gone, as it may have been revoked meanwhile. The batch must be committed.
   */
  checkpoint(batch: ApplyBatch, id: bigint, remainingSeconds: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.remainingSeconds = Math.min(Math.max(remainingSeconds, 0), lease.ttlSeconds);
    batch.putRow('leases', leaseIdBytes(id), encodeLease(lease));
    lease.ledger?.apply(remainingSeconds > 0 ? 'checkpoint' : 'reset');
    if (lease.ledger?.empty === true) lease.ledger = undefined;
  }

  /**
   * Becomes primary. Call it once this member leads and has applied every entry of earlier terms; `extendMs` is one
   * election timeout: renewals that the former leader answered while this one was being elected are not known here.
   */
  promote(extendMs: number): void {
    this.demote();
    this.#expiry = new Expiry(this.#leases.values(), this.#now(), extendMs, this.#revokesPerSecond);
  }

  /** Is primary no more: leases do not expire here, and what was handed out is forgotten. */
  demote(): void {
    this.#expiry?.end(this.#leases.values());
    this.#expiry = undefined;
  }

  /**
   * Gives a lease its whole TTL again; undefined when there is none or it has expired. See `needsReset`. Throws
   * `LeaseError` "notPrimary". Confirm the leadership before the client is told.
   */
  renew(id: bigint): LeaseRenewal | undefined {
    const expiry = this.#mustBePrimary();
    const lease = this.#findLive(id);
    if (lease === undefined) return undefined;
    expiry.extend(lease, this.#now());
    this.#renewedTotal += 1;
    const needsReset = lease.remainingSeconds > 0 || lease.ledger?.dirty === true;
    if (needsReset) expiry.handOutReset(lease);
    return { ttlSeconds: lease.ttlSeconds, needsReset };
  }

  /** Undefined when there is no such lease or it has expired. Throws `LeaseError` "notPrimary". */
  timeToLive(id: bigint): LeaseTime | undefined {
    this.#mustBePrimary();
    const lease = this.#findLive(id);
    if (lease === undefined) return undefined;
    const remainingSeconds = Math.floor((lease.expiryMs - this.#now()) / 1000);
    return { remainingSeconds, grantedSeconds: lease.ttlSeconds };
  }

  /** Ids of all leases, the one that expires next first; by id where that is equal or not known. */
  list(): bigint[] {
    return [...this.#leases.values()].sort(byExpiry).map((lease) => lease.id);
  }

  /** What is replicated of every lease, for copies of the state; 0 seconds remain for one that has its whole TTL. */
  all(): { id: bigint; ttlSeconds: number; remainingSeconds: number }[] {
    return [...this.#leases.values()].map(({ id, ttlSeconds, remainingSeconds }) => ({
      id,
      ttlSeconds,
      remainingSeconds,
    }));
  }

  /**
   * Leases to revoke through the log, the longest expired first: at most `limit`, and not more per second than allowed.
   * One that is not revoked within 3 s is handed out again. Empty on a member that is not primary.
   */
  expired(limit: number): bigint[] {
    if (this.#expiry === undefined) return [];
    const leases = this.#expiry.expired(limit, this.#now());
    this.#expiredTotal += leases.length;
    return leases.map((lease) => lease.id);
  }

  /**
   * Remaining times to replicate, of leases that nobody renewed for 40 % of their TTL, then again every 10 % but not
   * twice in a second. Propose each once, in the order in which calls returned them, or not at all; never again later.
   * Empty on a member that is not primary.
   */
  checkpointsDue(limit: number = DEFAULT_CHECKPOINT_LIMIT): LeaseCheckpoint[] {
    return this.#expiry?.checkpointsDue(limit, this.#now()) ?? [];
  }

  /** As `checkpointsDue`, but of all leases that have less than their TTL: for a leader that stops. */
  checkpointAll(): LeaseCheckpoint[] {
    const nowMs = this.#now();
    const checkpoints: LeaseCheckpoint[] = [];
    for (const lease of this.#leases.values()) {
      const checkpoint = this.#expiry?.checkpointOf(lease, nowMs);
      if (checkpoint !== undefined) checkpoints.push(checkpoint);
    }
    return checkpoints;
  }

  #mustFind(id: bigint): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new LeaseError('notFound', `lease ${id} not found`);
    return lease;
  }

  #findLive(id: bigint): Lease | undefined {
    const lease = this.#leases.get(id);
    return lease === undefined || lease.expiryMs <= this.#now() ? undefined : lease;
  }

  #mustBePrimary(): Expiry {
    if (this.#expiry === undefined) throw new LeaseError('notPrimary', 'not a primary lessor');
    return this.#expiry;
  }
}

function byExpiry(a: Lease, b: Lease): number {
  if (a.expiryMs !== b.expiryMs) return a.expiryMs - b.expiryMs;
  return a.id < b.id ? -1 : 1;
}
