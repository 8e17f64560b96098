import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveRequestSchema,
  LeaseKeepAliveResponseSchema,
  LeaseRevokeResponseSchema,
} from '@kvorum/api';
import { MemoryCluster } from './memory-cluster.ts';
import type { MemoryStream } from './memory-stream.ts';

/** Members in memory that know leases: each lives until its TTL has passed since they last heard of it. */
export class MemoryLeases extends MemoryCluster {
  readonly expiries = new Map<bigint, number>();
  /** Whether renewals are answered, and whether they are heard at all. */
  renewals: 'answered' | 'unanswered' | 'lost' = 'answered';
  /** How long a renewal is on the way, and its answer, in ms. */
  delayMs = 0;
  /** When leases were revoked. */
  readonly revoked: number[] = [];
  readonly #ttlSeconds = new Map<bigint, bigint>();

  constructor() {
    super();
    this.handle = (path, request) => this.#unary(path, request);
    this.onRequest = (stream, message) => this.#after(() => this.#onRenewal(stream, message));
  }

  isAlive(id: bigint): boolean {
    return this.nowMs < (this.expiries.get(id) ?? 0);
  }

  #unary(path: string, request: Uint8Array): Uint8Array | undefined {
    if (path.endsWith('/LeaseGrant')) {
      const { TTL } = fromBinary(LeaseGrantRequestSchema, request);
      const ID = BigInt(this.expiries.size + 1);
      this.#ttlSeconds.set(ID, TTL);
      this.expiries.set(ID, this.nowMs + Number(TTL) * 1000);
      return toBinary(LeaseGrantResponseSchema, create(LeaseGrantResponseSchema, { ID, TTL }));
    }
    if (path.endsWith('/LeaseRevoke')) {
      this.revoked.push(this.nowMs);
      return toBinary(LeaseRevokeResponseSchema, create(LeaseRevokeResponseSchema));
    }
    return undefined;
  }

  #onRenewal(stream: MemoryStream, message: Uint8Array): void {
    if (this.renewals === 'lost') return;
    const { ID } = fromBinary(LeaseKeepAliveRequestSchema, message);
    const TTL = this.isAlive(ID) ? (this.#ttlSeconds.get(ID) ?? 0n) : 0n;
    if (TTL > 0n) this.expiries.set(ID, this.nowMs + Number(TTL) * 1000);
    if (this.renewals === 'unanswered') return;
    this.#after(() => stream.answer(LeaseKeepAliveResponseSchema, { ID, TTL }));
  }

  #after(act: () => void): void {
    if (this.delayMs === 0) act();
    else this.environment.timers.after(this.delayMs, act);
  }
}
