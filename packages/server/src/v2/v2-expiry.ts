import type { Clock } from '../clock.ts';
import { v2Request } from '../codec/v2-request.ts';
import type { Logger } from '../logging/logger.ts';
import type { Proposer } from '../proposer.ts';
import type { V2Store } from './v2-store.ts';
import { wallNs } from './wall-time.ts';

export interface V2ExpiryOptions {
  readonly v2: V2Store;
  readonly proposer: Proposer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The leader looks for what has expired as often as etcd's. */
const LOOK_EVERY_MS = 500;

/**
 * The leader's duty for v2 keys with a TTL: when the first is due by its clock, an entry says so to all members, and what
 * is due by the time in that entry goes.
 */
export class V2Expiry {
  readonly #options: V2ExpiryOptions;
  #stopLooking: (() => void) | undefined;
  #term = 0;
  /** An entry is on its way. */
  #isAsking = false;

  constructor(options: V2ExpiryOptions) {
    this.#options = options;
  }

  /** This member leads from now on, in `term`. */
  start(term: number): void {
    this.#term = term;
    this.#stopLooking ??= this.#options.clock.every(LOOK_EVERY_MS, () => void this.#look());
  }

  stop(): void {
    this.#stopLooking?.();
    this.#stopLooking = undefined;
  }

  async #look(): Promise<void> {
    const { v2, proposer, clock, logger } = this.#options;
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      for (;;) {
        const timeNs = wallNs(clock);
        const nextNs = v2.nextExpirationNs;
        if (this.#stopLooking === undefined || nextNs === undefined || nextNs > timeNs) return;
        await proposer.proposeOwn(v2Request('SYNC', { timeNs }), this.#term);
      }
    } catch (error) {
      logger.warn('v2 keys could not be expired yet', { error });
    } finally {
      this.#isAsking = false;
    }
  }
}
