import type { CheckpointLedger } from './checkpoint-ledger.ts';

/** One lease in memory: first what is replicated, then what only the primary knows. */
export class Lease {
  /** Positive, 63 bits. */
  readonly id: bigint;
  /** What was granted. */
  readonly ttlSeconds: number;
  /** What was left at the last checkpoint; 0 when the lease has its whole TTL. */
  remainingSeconds: number;

  /** When it expires, on the primary's clock in ms; Infinity elsewhere. */
  expiryMs = Number.POSITIVE_INFINITY;
  /** When its remaining time is worth a checkpoint, if nobody renews it before; Infinity elsewhere. */
  checkpointMs = Number.POSITIVE_INFINITY;
  /** When the lessor looks at it next, its key in the heap: never later than the two above, or than a retry. */
  wakeMs = Number.POSITIVE_INFINITY;
  heapIndex = -1;
  /** Checkpoints on their way; undefined for none, as for all leases that are renewed in time. */
  ledger: CheckpointLedger | undefined = undefined;

  constructor(id: bigint, ttlSeconds: number, remainingSeconds: number) {
    this.id = id;
    this.ttlSeconds = ttlSeconds;
    this.remainingSeconds = remainingSeconds;
  }
}
