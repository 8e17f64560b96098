import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { LeaseKeepAliveRequestSchema, LeaseKeepAliveResponseSchema } from '@kvorum/api';
import type { Prng } from '@kvorum/wal/testing';
import type { SimStream } from '../sim-cluster.ts';
import type { Workload } from './workload.ts';
import type { SimWorld } from './world.ts';

const PATH = '/etcdserverpb.Lease/LeaseKeepAlive';

/** A client that keeps leases alive, some for a while and some not at all. */
export class LeaseHolder {
  readonly #world: SimWorld;
  readonly #workload: Workload;
  readonly #prng: Prng;
  #member = 0;
  #isStopped = false;
  /** The stream, and what was sent on it that has no answer yet: answers come in order. */
  #stream: SimStream | undefined;
  #asked: { readonly id: bigint; readonly calledAtMs: number }[] = [];

  constructor(world: SimWorld, workload: Workload, prng: Prng) {
    this.#world = world;
    this.#workload = workload;
    this.#prng = prng;
  }

  start(): void {
    const { time } = this.#world.cluster;
    time.after(100 + this.#prng.below(500), () => {
      if (this.#isStopped) return;
      this.#renewSome();
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#stream?.close();
  }

  #renewSome(): void {
    const { cluster } = this.#world;
    if (this.#stream === undefined) {
      this.#member = cluster.anyone(this.#prng);
      this.#asked = [];
      const asked = this.#asked;
      this.#stream = cluster.stream(this.#member, PATH, {
        message: (bytes) => this.#take(asked, bytes),
        ended: () => {
          if (this.#asked === asked) this.#stream = undefined;
        },
      });
    }
    if (this.#stream === undefined) return;
    for (const { id } of this.#workload.leases) {
      // Every third one is left to expire.
      if (id % 3n === 0n || this.#prng.chance(0.6)) continue;
      this.#asked.push({ id, calledAtMs: cluster.time.nowMs });
      const request = create(LeaseKeepAliveRequestSchema, { ID: id });
      this.#stream.send(toBinary(LeaseKeepAliveRequestSchema, request));
    }
  }

  #take(asked: { readonly id: bigint; readonly calledAtMs: number }[], bytes: Uint8Array): void {
    const { history, trace, cluster } = this.#world;
    const { ID, TTL } = fromBinary(LeaseKeepAliveResponseSchema, bytes);
    const renewal = asked.shift();
    if (renewal === undefined) return;
    trace.mix(Number(ID) * 16 + Number(TTL));
    if (TTL <= 0n) return;
    if (renewal.id === ID) history.renewals.push(renewal);
    trace.line(cluster.time.nowMs, () => `renewed ${ID} at m${this.#member} for ${TTL} s`);
  }
}
