import type { ApplyBatch, Engine, WriteTxn } from '@kvorum/mvcc';
import { listMeta } from '../apply/meta-rows.ts';
import type { V2Request } from '../codec/v2-request.ts';
import { EventHistory } from './event-history.ts';
import { Expirations } from './expirations.ts';
import { AUTH_ENABLED, CLUSTER_ROOT } from './key-path.ts';
import { BatchView } from './node-view.ts';
import { newCounts, type V2Counted } from './store-stats.ts';
import { V2Error } from './v2-error.ts';
import type { V2Event } from './v2-event.ts';
import {
  ALL_EXPIRATIONS,
  adminRowKey,
  decodeExpiration,
  INDEX_ROW,
  pathOfExpirationRow,
} from './v2-node.ts';
import { type Outcome, V2Writer } from './v2-writer.ts';
import { WatcherHub } from './watcher-hub.ts';

/** What applying a v2 request gave; a SYNC gives no event. */
export type V2Outcome = V2Event | V2Error | undefined;

/**
 * Expired nodes that one SYNC removes at most: tens of milliseconds of work. The leader asks again at once when more
 * are due.
 */
const EXPIRIES_PER_SYNC = 1000;

/**
 * The v2 keys as the log has decided them so far: a tree of directories and files with indexes of its own. Nodes,
 * history and index are rows that are written in the batch of the entry that changed them; in memory are the index,
 * what expires when, whether users are asked, and what is needed to find an event of the history.
 */
export class V2Store {
  readonly hub = new WatcherHub();
  readonly history = new EventHistory();
  readonly counts = newCounts();
  readonly #expirations = new Expirations();
  #index = 0;
  #isAuthEnabled = false;

  /** The v2 index: how many changes there have been. */
  get index(): number {
    return this.#index;
  }

  /** Whether the users of this API are asked who they are. */
  get isAuthEnabled(): boolean {
    return this.#isAuthEnabled;
  }

  /** Replaces everything by what the rows say. */
  load(engine: Engine): void {
    this.#index = indexOf(engine.get('meta', INDEX_ROW));
    this.#isAuthEnabled = isTrue(engine.get('meta', adminRowKey(AUTH_ENABLED)));
    this.history.load(engine);
    this.#expirations.clear();
    for (const [name, row] of listMeta(engine, ALL_EXPIRATIONS)) {
      this.#expirations.set(pathOfExpirationRow(name), decodeExpiration(row));
    }
  }

  /** Replaces everything by the state that another member has sent. Those who wait hear of what it brings. */
  takeOver(engine: Engine): void {
    const before = BigInt(this.#index);
    this.load(engine);
    this.hub.catchUp((watch) => {
      const sinceIndex = watch.sinceIndex > before ? watch.sinceIndex : before + 1n;
      try {
        return this.history.findAll(engine, { ...watch, sinceIndex }, this.#index);
      } catch (error) {
        if (error instanceof V2Error) return undefined;
        throw error;
      }
    });
  }

  /** When the first node expires, in nanoseconds since 1970; undefined while none does. */
  get nextExpirationNs(): bigint | undefined {
    return this.#expirations.soonest()?.ns;
  }

  /** Carries out an applied request in the open batch. */
  apply(batch: ApplyBatch, request: V2Request): V2Outcome {
    if (request.method === 'SYNC') {
      this.#expire(batch, request.timeNs);
      return undefined;
    }
    const { counted, run } = actionOf(request);
    try {
      const event = this.#write(batch, request.timeNs, run);
      this.counts[`${counted}Success`] += 1;
      return event;
    } catch (error) {
      if (!(error instanceof V2Error)) throw error;
      this.counts[`${counted}Fail`] += 1;
      // etcd counts this twice.
      if (counted === 'create' && error.code === 104) this.counts.setsFail += 1;
      return error;
    }
  }

  /**
   * etcd keeps its membership in the v2 store, too: each change of it takes an index. Nobody sees the change here, but
   * indexes are the same.
   */
  skip(batch: ApplyBatch, changes: number): void {
    for (let i = 0; i < changes; i++) {
      const index = this.#index + 1;
      const path = CLUSTER_ROOT;
      const event = { action: 'set', path, index, isRefresh: true, isDirGone: false } as const;
      this.history.add(batch, { ...event, isCreated: false, json: '' });
      this.#setIndex(batch, index);
    }
  }

  #expire(batch: ApplyBatch, nowNs: bigint): void {
    for (let i = 0; i < EXPIRIES_PER_SYNC; i++) {
      const due = this.#expirations.soonest();
      if (due === undefined || due.ns > nowNs) return;
      this.#write(batch, nowNs, (writer) => writer.expire(due.path));
      this.counts.expireCount += 1;
    }
  }

  #write(batch: ApplyBatch, nowNs: bigint, run: (writer: V2Writer) => Outcome): V2Event {
    const txn: WriteTxn = batch.begin();
    let outcome: Outcome;
    try {
      const view = new BatchView(batch, txn);
      const expirations = this.#expirations;
      outcome = run(new V2Writer({ view, index: this.#index, nowNs, expirations }));
    } finally {
      txn.end();
    }
    const { event, gone } = outcome;
    this.#setIndex(batch, event.index);
    if (event.path === AUTH_ENABLED) {
      this.#isAuthEnabled = isTrue(batch.getRow('meta', adminRowKey(AUTH_ENABLED)));
    }
    for (const path of gone) this.hub.notifyGone(path, event);
    this.history.add(batch, event);
    if (!event.isRefresh) this.hub.notify(event);
    return event;
  }

  #setIndex(batch: ApplyBatch, index: number): void {
    this.#index = index;
    const row = Buffer.alloc(8);
    row.writeBigUInt64BE(BigInt(index));
    batch.putRow('meta', INDEX_ROW, row);
  }
}

interface Action {
  readonly counted: V2Counted;
  run(writer: V2Writer): Outcome;
}

/** What a request asks for, by its method and conditions. */
function actionOf(request: V2Request): Action {
  const { method, prevValue, prevIndex, prevExist } = request;
  const compares = prevIndex > 0n || prevValue !== '';
  if (method === 'POST') return { counted: 'create', run: (to) => to.create(request, true) };
  if (method === 'DELETE') {
    return compares
      ? { counted: 'compareAndDelete', run: (to) => to.compareAndDelete(request) }
      : { counted: 'delete', run: (to) => to.delete(request) };
  }
  if (prevExist === false) return { counted: 'create', run: (to) => to.create(request, false) };
  if (compares) return { counted: 'compareAndSwap', run: (to) => to.compareAndSwap(request) };
  if (prevExist === true) return { counted: 'update', run: (to) => to.update(request) };
  return { counted: 'sets', run: (to) => to.set(request) };
}

function isTrue(row: Uint8Array | undefined): boolean {
  return row !== undefined && Buffer.from(row).toString('latin1') === 'true';
}

function indexOf(row: Uint8Array | undefined): number {
  if (row === undefined) return 0;
  return Number(Buffer.from(row.buffer, row.byteOffset, row.length).readBigUInt64BE());
}
