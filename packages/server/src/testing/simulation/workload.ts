import type { Prng } from '@kvorum/wal/testing';
import type { Answer, KeyRange, Request, TxnOperation } from '../history/index.ts';

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** What clients ask for: few keys, so that they meet, values that are written once, and leases that matter. */
export class Workload {
  readonly #prng: Prng;
  /** The newest revision that any client has heard of. */
  revision = 1;
  /** Leases that were granted and not revoked, as far as clients know. */
  readonly leases: { readonly id: bigint; readonly ttlSeconds: number }[] = [];
  #values = 0;
  #nextLease = 1n;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** The next request of a client. */
  next(client: number): Request {
    const prng = this.#prng;
    const dice = prng.below(100);
    if (dice < 38) return this.#put(client);
    if (dice < 52) return this.#range(false);
    if (dice < 62) return this.#range(true);
    if (dice < 70) return { kind: 'delete', ...this.keyRange() };
    if (dice < 86) return this.#txn(client);
    if (dice < 92) {
      return { kind: 'grant', id: this.#nextLease++, ttlSeconds: 2 + prng.below(4) };
    }
    if (dice < 95) return { kind: 'revoke', id: this.#lease() ?? 1n };
    if (dice < 98)
      return { kind: 'compact', revision: Math.max(1, this.revision - prng.below(30)) };
    return this.#put(client);
  }

  /** Takes up what an answer tells. */
  learned(request: Request, answer: Answer): void {
    if (answer.kind === 'refused') {
      if (answer.reason === 'leaseNotFound') for (const id of leasesIn(request)) this.#forget(id);
      return;
    }
    this.revision = Math.max(this.revision, answer.revision);
    if (request.kind === 'grant') this.leases.push(request);
    if (request.kind === 'revoke') this.#forget(request.id);
  }

  /** Some of the keys. */
  keyRange(): KeyRange {
    const prng = this.#prng;
    const dice = prng.below(10);
    if (dice < 6) return { key: this.#key(), rangeEnd: '' };
    return dice < 9 ? { key: 'b', rangeEnd: 'e' } : { key: 'd', rangeEnd: '\0' };
  }

  #put(client: number): Extract<Request, { kind: 'put' }> {
    const lease = this.#prng.chance(0.25) ? (this.#lease() ?? 0n) : 0n;
    return { kind: 'put', key: this.#key(), value: `${client}.${this.#values++}`, lease };
  }

  #range(serializable: boolean): Extract<Request, { kind: 'range' }> {
    const isPast = this.#prng.chance(0.15);
    const revision = isPast ? Math.max(1, this.revision - this.#prng.below(20)) : 0;
    return { kind: 'range', ...this.keyRange(), revision, serializable };
  }

  /** A compare-and-swap, or several changes at once. */
  #txn(client: number): Request {
    const prng = this.#prng;
    if (prng.chance(0.3)) {
      const success: TxnOperation[] = [this.#put(client)];
      const other = this.#put(client);
      if (other.key !== success[0]?.key) success.push(other);
      success.push(this.#range(false));
      return { kind: 'txn', compares: [], success, failure: [] };
    }
    const put = this.#put(client);
    const { key } = put;
    const equals = prng.chance(0.5) ? 0 : Math.max(0, this.revision - prng.below(6));
    return {
      kind: 'txn',
      compares: [{ key, target: 'modRevision', equals }],
      success: [put],
      failure: [
        prng.chance(0.3)
          ? { kind: 'delete', key, rangeEnd: '' }
          : { ...this.#range(false), revision: 0 },
      ],
    };
  }

  #key(): string {
    return keys[this.#prng.below(keys.length)] as string;
  }

  #lease(): bigint | undefined {
    const { leases } = this;
    return leases[this.#prng.below(leases.length)]?.id;
  }

  #forget(id: bigint): void {
    const at = this.leases.findIndex((lease) => lease.id === id);
    if (at >= 0) this.leases.splice(at, 1);
  }
}

function leasesIn(request: Request): bigint[] {
  switch (request.kind) {
    case 'put':
      return [request.lease];
    case 'revoke':
      return [request.id];
    case 'txn':
      return [...request.success, ...request.failure].flatMap(leasesIn);
    default:
      return [];
  }
}
