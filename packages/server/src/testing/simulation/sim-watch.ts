import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { WatchRequestSchema, WatchResponseSchema } from '@kvorum/api';
import type { Prng } from '@kvorum/wal/testing';
import type { KeyRange, WatchMessage, WatchRecord } from '../history/index.ts';
import { revisionOf, watchMessage } from '../history/wire.ts';
import type { SimStream } from '../sim-cluster.ts';
import type { Workload } from './workload.ts';
import type { SimWorld } from './world.ts';

/** The record of one watcher, while it is written. */
type OpenRecord = { -readonly [Key in keyof WatchRecord]: WatchRecord[Key] } & {
  readonly messages: WatchMessage[];
};

const PATH = '/etcdserverpb.Watch/Watch';
const RETRY_MS = 300;

/** A client that watches: on whatever member there is, after each loss from where it was. */
export class SimWatch {
  readonly #id: number;
  readonly #world: SimWorld;
  readonly #workload: Workload;
  readonly #prng: Prng;
  #range: KeyRange;
  #prevKv = false;
  /** First revision to ask for; 0 for what comes. */
  #next = 0;
  #record: OpenRecord | undefined;
  #stream: SimStream | undefined;
  #isStopped = false;

  constructor(id: number, world: SimWorld, workload: Workload, prng: Prng) {
    this.#id = id;
    this.#world = world;
    this.#workload = workload;
    this.#prng = prng;
    this.#range = { key: '\0', rangeEnd: '\0' };
  }

  start(): void {
    this.#choose();
    this.#connect();
  }

  /** Where the watch stands: everything before was told. Undefined when nothing is known. */
  get next(): number | undefined {
    return this.#record === undefined || this.#next === 0 ? undefined : this.#next;
  }

  /** Starts over, watching everything from a revision on: for the end, when it must catch up. */
  followFrom(revision: number): void {
    this.#range = { key: '\0', rangeEnd: '\0' };
    this.#next = revision;
    this.#leave();
    this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    this.#leave();
  }

  #choose(): void {
    const prng = this.#prng;
    this.#range = prng.chance(0.4) ? { key: '\0', rangeEnd: '\0' } : this.#workload.keyRange();
    this.#prevKv = prng.chance(0.3);
    const { revision } = this.#workload;
    this.#next = prng.chance(0.3) ? 0 : Math.max(1, revision - 20 + prng.below(30));
  }

  #connect(): void {
    if (this.#isStopped) return;
    const { cluster, history, trace } = this.#world;
    const at = cluster.anyone(this.#prng);
    const record: OpenRecord = {
      client: this.#id,
      range: this.#range,
      startRevision: this.#next,
      createdRevision: undefined,
      messages: [],
      compactedAt: undefined,
    };
    const stream = cluster.stream(at, PATH, {
      message: (bytes) => this.#take(record, bytes),
      ended: () => this.#ended(record),
    });
    if (stream === undefined) {
      cluster.time.after(RETRY_MS, () => this.#connect());
      return;
    }
    history.watches.push(record);
    this.#record = record;
    this.#stream = stream;
    trace.line(
      cluster.time.nowMs,
      () => `w${this.#id} → m${at} watch from ${record.startRevision}`,
    );
    const init = {
      key: Buffer.from(this.#range.key),
      rangeEnd: Buffer.from(this.#range.rangeEnd),
      startRevision: BigInt(this.#next),
      prevKv: this.#prevKv,
    };
    const request = create(WatchRequestSchema, {
      requestUnion: { case: 'createRequest', value: init },
    });
    stream.send(toBinary(WatchRequestSchema, request));
    // Now and then a watcher goes elsewhere by itself.
    cluster.time.after(1_000 + this.#prng.below(15_000), () => {
      if (this.#record !== record || this.#isStopped) return;
      this.#leave();
      if (this.#prng.chance(0.4)) this.#choose();
      this.#connect();
    });
    this.#askForProgress(record, stream);
  }

  #askForProgress(record: OpenRecord, stream: SimStream): void {
    const { time } = this.#world.cluster;
    time.after(500 + this.#prng.below(3_000), () => {
      if (this.#record !== record || this.#isStopped) return;
      const request = create(WatchRequestSchema, {
        requestUnion: { case: 'progressRequest', value: {} },
      });
      stream.send(toBinary(WatchRequestSchema, request));
      this.#askForProgress(record, stream);
    });
  }

  #take(record: OpenRecord, bytes: Uint8Array): void {
    if (this.#record !== record) return;
    const { trace, cluster } = this.#world;
    const response = fromBinary(WatchResponseSchema, bytes);
    trace.mix(revisionOf(response) * 64 + response.events.length);
    if (response.created) {
      record.createdRevision = revisionOf(response);
      if (record.startRevision === 0) this.#next = record.createdRevision + 1;
      return;
    }
    if (response.canceled) {
      record.compactedAt = Number(response.compactRevision);
      trace.line(cluster.time.nowMs, () => `w${this.#id} compacted at ${record.compactedAt}`);
      this.#next = Math.max(this.#next, record.compactedAt);
      this.#leave();
      this.#connect();
      return;
    }
    const message = watchMessage(response, this.#prevKv);
    record.messages.push(message);
    const last = message.events.at(-1)?.revision ?? message.revision;
    this.#next = Math.max(this.#next, last + 1);
  }

  #ended(record: OpenRecord): void {
    if (this.#record !== record) return;
    this.#record = undefined;
    this.#world.cluster.time.after(this.#prng.below(RETRY_MS), () => this.#connect());
  }

  #leave(): void {
    this.#record = undefined;
    this.#stream?.close();
    this.#stream = undefined;
  }
}
