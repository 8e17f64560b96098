import { EtcdError } from '@kvorum/api';
import type { ApplyBatch } from '@kvorum/mvcc';
import {
  type ConfState,
  decodeConfChange,
  type Entry,
  RaftError,
  type RawNode,
  type Snapshot,
} from '@kvorum/raft';
import type { Caller } from '../auth/caller.ts';
import type { Clock } from '../clock.ts';
import { int64Words } from '../codec/int64-words.ts';
import { encodeConfState } from '../codec/raft-records.ts';
import {
  decodeRaftEntry,
  type MembershipRequest,
  type RaftRequest,
} from '../codec/raft-requests.ts';
import type { Logger } from '../logging/logger.ts';
import type { Cluster } from '../membership/cluster.ts';
import type { Histogram } from '../metrics/histogram.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { EntrySink } from '../node-loop.ts';
import type { OpenProposal } from '../proposal-queue.ts';
import type { OpenStorage } from '../storage.ts';
import type { V2Store } from '../v2/v2-store.ts';
import { APPLIED_INDEX_ROW, CONF_STATE_ROW, encodeAppliedIndex } from './applied-index.ts';
import type { Applier, ApplyResult, DeferredResult, NothingResult } from './applier.ts';
import { countOps } from './op-counts.ts';

export interface StateMachineOptions {
  readonly storage: OpenStorage;
  readonly node: RawNode;
  readonly applier: Applier;
  readonly cluster: Cluster;
  readonly v2: V2Store;
  /** --max-learners */
  readonly maxLearners: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A batch that takes longer is logged, as etcd logs slow applies. */
  readonly warningApplyDurationMs: number;
  /** The proposal of this member with that id, when its entry came back without its context. */
  readonly findProposal: (idHigh: number, idLow: number) => OpenProposal | undefined;
  /** Called for each proposal of this member's whose place in the queue is free again. */
  readonly onProposalClosed: (open: OpenProposal) => void;
  /** Replaces the store by the one that a snapshot stands for. */
  readonly install: (snapshot: Snapshot) => Promise<void>;
  /** Members came, went, or moved. */
  readonly onMembershipChanged: () => void;
  readonly metrics: Metrics;
}

const NOTHING: NothingResult = { kind: 'nothing' };
const DEFERRED: DeferredResult = { kind: 'deferred' };

/**
 * Applies committed entries to the store. One batch of the store holds the data, the applied index and the membership
 * of all entries of one call, so a crash leaves all of it or nothing. Callers are answered before that batch is
 * written: what they wait for is the log.
 */
export class StateMachine implements EntrySink {
  readonly #options: StateMachineOptions;
  readonly #applied = new Map<string, Histogram>();
  readonly #refused = new Map<string, Histogram>();
  #appliedIndex: number;
  #confState: ConfState;

  constructor(options: StateMachineOptions) {
    this.#options = options;
    const { index, confState } = options.storage.applied;
    this.#appliedIndex = index;
    this.#confState = confState;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The membership at `appliedIndex`. */
  get confState(): ConfState {
    return this.#confState;
  }

  apply(entries: readonly Entry[]): void {
    const { storage, clock, metrics } = this.#options;
    const startMs = clock.nowMs();
    const batch = storage.store.batch();
    const items = this.#itemsOf(entries);
    prefetch(batch, items);
    let index = this.#appliedIndex;
    let term = 0;
    let beforeMs = clock.nowMs();
    for (const item of items) {
      const { entry } = item;
      // A restart hands out again what the store already holds.
      if (entry.index <= index) continue;
      item.outcome = this.#applyEntry(batch, item);
      const afterMs = clock.nowMs();
      this.#observe(item, (afterMs - beforeMs) / 1000);
      beforeMs = afterMs;
      index = entry.index;
      term = entry.term;
    }
    if (index > this.#appliedIndex)
      batch.putMeta(APPLIED_INDEX_ROW, encodeAppliedIndex(index, term));
    // The log has the entries on disk and the outcomes are known, so callers need not wait for the store: nobody can
    // look at it before this function returns, and after a crash the log brings it to the same state.
    this.#settle(items);
    clock.endTurnNow();
    const commitMs = clock.nowMs();
    batch.commit();
    this.#appliedIndex = index;
    const endMs = clock.nowMs();
    metrics.disk.backendCommitSeconds.observe((endMs - commitMs) / 1000);
    const tookMs = endMs - startMs;
    if (tookMs > this.#options.warningApplyDurationMs) this.#warnSlow(tookMs, entries.length);
  }

  async install(snapshot: Snapshot): Promise<void> {
    const { install, storage } = this.#options;
    await install(snapshot);
    this.#appliedIndex = storage.applied.index;
    this.#confState = storage.applied.confState;
  }

  /** Finds the request of each entry, and who waits for it: in its context, or by the id if another member led. */
  #itemsOf(entries: readonly Entry[]): Item[] {
    const items: Item[] = [];
    for (const entry of entries) {
      let open = entry.context as OpenProposal | undefined;
      let request = open?.proposal.request;
      let caller = open?.proposal.caller;
      if (entry.type !== 'normal') {
        const change = decodeConfChange(entry);
        if ('nodeId' in change) {
          request = { kind: 'membership', change };
          open ??= this.#findById(change.id);
        }
      } else if (open === undefined && entry.data.length > 0) {
        const decoded = decodeRaftEntry(entry.data);
        open = this.#options.findProposal(decoded.idHigh, decoded.idLow);
        request = decoded.request;
        caller = decoded.caller;
      }
      items.push({ entry, request, caller, open, outcome: undefined });
    }
    return items;
  }

  #findById(id: bigint): OpenProposal | undefined {
    int64Words.split(id);
    return this.#options.findProposal(int64Words.high, int64Words.low);
  }

  #applyEntry(batch: ApplyBatch, item: Item): ApplyResult | EtcdError | undefined {
    const { entry, request } = item;
    if (entry.type !== 'normal') return this.#applyConfChange(batch, entry);
    if (request === undefined) return undefined;
    // The leader put an empty entry in the place of a change that it could not begin.
    if (request.kind === 'membership') return DEFERRED;
    const { applier, metrics } = this.#options;
    try {
      const outcome = applier.apply(batch, request, item.caller, entry.index);
      countOps(metrics.mvcc, outcome);
      return outcome;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      return error;
    }
  }

  /** Changes of the membership, and entries that change nothing, are not counted among the applied requests. */
  #observe({ entry, request, outcome }: Item, seconds: number): void {
    if (entry.type !== 'normal' || request === undefined || request.kind === 'membership') return;
    this.#applySeconds(request.kind, !(outcome instanceof EtcdError)).observe(seconds);
  }

  /** A change that the membership doesn't allow, or that raft refuses, changes nothing, at any member. */
  #applyConfChange(batch: ApplyBatch, entry: Entry): ApplyResult | EtcdError {
    const { node, cluster, maxLearners, v2 } = this.#options;
    const change = decodeConfChange(entry);
    const refusal = 'nodeId' in change ? cluster.refusalOf(change, maxLearners) : undefined;
    if (refusal !== undefined) return new EtcdError(refusal);
    try {
      this.#confState = node.applyConfChange(change);
    } catch (error) {
      if (error instanceof RaftError) return new EtcdError('memberNotEnoughStarted');
      throw error;
    }
    batch.putMeta(CONF_STATE_ROW, encodeConfState(this.#confState));
    if ('nodeId' in change) {
      cluster.applyConfChange(batch, change);
      // etcd moves a removed member to those that were removed: two changes.
      v2.skip(batch, change.type === 'removeNode' ? 2 : 1);
    }
    this.#options.onMembershipChanged();
    return NOTHING;
  }

  #applySeconds(kind: RaftRequest['kind'], success: boolean): Histogram {
    const known = success ? this.#applied : this.#refused;
    let histogram = known.get(kind);
    if (histogram === undefined) {
      const op = kind.charAt(0).toUpperCase() + kind.slice(1);
      histogram = this.#options.metrics.server.applySeconds(op, success);
      known.set(kind, histogram);
    }
    return histogram;
  }

  #settle(items: readonly Item[]): void {
    for (const { entry, open, outcome } of items) {
      if (open === undefined) continue;
      entry.context = undefined;
      this.#options.onProposalClosed(open);
      const { proposal } = open;
      if (proposal.done || outcome === undefined) continue;
      if (outcome instanceof EtcdError) proposal.fail(outcome);
      else proposal.settle(outcome);
    }
  }

  #warnSlow(tookMs: number, entryCount: number): void {
    this.#options.metrics.server.slowApplyTotal += 1;
    this.#options.logger.warn('apply request took too long', {
      took: `${tookMs.toFixed(3)}ms`,
      'expected-duration': `${this.#options.warningApplyDurationMs}ms`,
      prefix: '',
      request: `batch of ${entryCount} entries`,
      response: '',
    });
  }
}

/** An entry on its way through the state machine. */
interface Item {
  readonly entry: Entry;
  /** Undefined for one that changes nothing but the applied index, or the membership. */
  readonly request: RaftRequest | MembershipRequest | undefined;
  readonly caller: Caller | undefined;
  /** Who waits for it at this member. */
  readonly open: OpenProposal | undefined;
  outcome: ApplyResult | EtcdError | undefined;
}

/** Loads the rows that the puts of a batch will look at, in one call to the engine. */
function prefetch(batch: ApplyBatch, items: readonly Item[]): void {
  if (items.length === 1) return;
  const keys: Uint8Array[] = [];
  for (const { request } of items) {
    if (request?.kind === 'put') keys.push(request.key);
  }
  if (keys.length > 1) batch.prefetch(keys);
}
