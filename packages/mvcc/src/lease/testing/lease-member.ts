import type { ApplyBatch } from '../../apply-batch.ts';
import { keyBytesOf } from '../../key-text.ts';
import { MemoryEngine } from '../../memory-engine.ts';
import { Store } from '../../store.ts';
import { Lessor, type LessorOptions } from '../lessor.ts';

/** A store in memory with its leases, and a clock that moves when told to. */
export class LeaseMember {
  readonly engine = new MemoryEngine();
  readonly store: Store;
  readonly lessor: Lessor;
  readonly #clock: { ms: number };
  readonly #options: Partial<LessorOptions>;

  constructor(clock: { ms: number } = { ms: 0 }, options: Partial<LessorOptions> = {}) {
    this.#clock = clock;
    this.#options = options;
    this.store = Store.open({ engine: this.engine, turn: () => {}, now: () => 0 });
    this.lessor = this.openLessor();
  }

  /** Another lessor on the same store, as after a restart. */
  openLessor(): Lessor {
    return Lessor.open({ ...this.#options, store: this.store, now: () => this.#clock.ms });
  }

  /** Applies changes in one batch and commits it. */
  apply<T>(change: (batch: ApplyBatch) => T): T {
    const batch = this.store.batch();
    const result = change(batch);
    batch.commit();
    return result;
  }

  grant(id: bigint, ttlSeconds: number): number {
    return this.apply((batch) => this.lessor.grant(batch, id, ttlSeconds));
  }

  revoke(id: bigint): number {
    return this.apply((batch) => this.lessor.revoke(batch, id));
  }

  checkpoint(id: bigint, remainingSeconds: number): void {
    this.apply((batch) => this.lessor.checkpoint(batch, id, remainingSeconds));
  }

  put(keyText: string, lease: bigint): void {
    this.apply((batch) => {
      const txn = batch.begin();
      txn.put(keyBytesOf(keyText), keyBytesOf('v'), lease);
      txn.end();
    });
  }

  keysOf(id: bigint): string[] {
    return this.lessor.keysOf(id).map((key) => Buffer.from(key).toString('latin1'));
  }
}
