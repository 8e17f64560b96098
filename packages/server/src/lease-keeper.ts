import type { Lessor } from '@kvorum/mvcc';
import type { Clock } from './clock.ts';
import type { Logger } from './logging/logger.ts';
import type { Proposer } from './proposer.ts';

export interface LeaseKeeperOptions {
  readonly lessor: Lessor;
  readonly proposer: Proposer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Leases are looked at twice a second, at most 500 are revoked each time: etcd's 1,000 a second. */
const LOOK_EVERY_MS = 500;
const REVOKES_PER_LOOK = 500;
/** Checkpoints in one request, as in etcd. */
const CHECKPOINTS_PER_REQUEST = 1000;

/** The leader's duties for leases: revoking those that have expired, and noting on disk how long others still have. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #stopLooking: (() => void) | undefined;
  /** In which this member leads; what it decides is void in any other. */
  #term = 0;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /**
   * This member leads from now on, in `term`: every lease gets what it had left, counted from now, and `extendMs` more
   * for renewals that a former leader may have answered meanwhile; 0 when there can't have been another.
   */
  start(term: number, extendMs: number): void {
    const { lessor, clock } = this.#options;
    this.#term = term;
    lessor.promote(extendMs);
    this.#stopLooking ??= clock.every(LOOK_EVERY_MS, () => this.#look());
  }

  stop(): void {
    this.#options.lessor.demote();
    this.#stopLooking?.();
    this.#stopLooking = undefined;
  }

  /** Notes what every lease has left, so that a restart goes on from there, and stops. For an orderly end. */
  async finish(): Promise<void> {
    const { lessor, proposer } = this.#options;
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    const checkpoints = lessor.checkpointAll();
    for (let i = 0; i < checkpoints.length; i += CHECKPOINTS_PER_REQUEST) {
      const some = checkpoints.slice(i, i + CHECKPOINTS_PER_REQUEST);
      await proposer.proposeOwn({ kind: 'leaseCheckpoint', checkpoints: some }, this.#term);
    }
  }

  #look(): void {
    const { lessor, proposer } = this.#options;
    for (const id of lessor.expired(REVOKES_PER_LOOK)) {
      proposer
        .proposeOwn({ kind: 'leaseRevoke', id }, this.#term)
        .catch((error: unknown) => this.#failed(error));
    }
    const checkpoints = lessor.checkpointsDue();
    if (checkpoints.length === 0) return;
    proposer
      .proposeOwn({ kind: 'leaseCheckpoint', checkpoints }, this.#term)
      .catch((error: unknown) => this.#failed(error));
  }

  /** The lessor names the lease again later. */
  #failed(error: unknown): void {
    this.#options.logger.warn('a lease could not be revoked or checkpointed yet', { error });
  }
}
