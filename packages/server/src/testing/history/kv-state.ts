import type {
  Answer,
  Compare,
  DeleteRequest,
  KeyRange,
  OperationAnswer,
  Pair,
  PutRequest,
  RangeRequest,
  Refusal,
  Request,
  TxnOperation,
  TxnRequest,
} from './operation.ts';
import { isWithin } from './operation.ts';

/**
 * The store as its interface describes it: what keys there are at a revision, and a way back to every revision before.
 * Never changed in place.
 */
export class KvState {
  readonly revision: number;
  /** Reads below it are refused; 0 before the first compaction. */
  readonly compactRevision: number;
  readonly keys: ReadonlyMap<string, Pair>;
  readonly leases: ReadonlySet<bigint>;
  /** The state that the last request changed; undefined for an empty store. */
  readonly previous: KvState | undefined;
  /** Of keys and leases: the sum of the hashes of all that is there. */
  readonly hash: number;

  constructor(
    parts: Pick<KvState, 'revision' | 'compactRevision' | 'keys' | 'leases' | 'previous' | 'hash'>,
  ) {
    this.revision = parts.revision;
    this.compactRevision = parts.compactRevision;
    this.keys = parts.keys;
    this.leases = parts.leases;
    this.previous = parts.previous;
    this.hash = parts.hash;
  }

  /** A store that nobody has written to. */
  static readonly empty = new KvState({
    revision: 1,
    compactRevision: 0,
    keys: new Map(),
    leases: new Set(),
    previous: undefined,
    hash: 0,
  });

  get digest(): string {
    return `${this.revision},${this.compactRevision},${this.hash}`;
  }

  /** The state at a revision up to this one. */
  at(revision: number): KvState {
    let state: KvState = this;
    while (state.revision > revision && state.previous !== undefined) state = state.previous;
    return state;
  }

  /** Pairs in a range, in the order of their keys. */
  pairsIn(range: KeyRange): Pair[] {
    if (range.rangeEnd === '') {
      const pair = this.keys.get(range.key);
      return pair === undefined ? [] : [pair];
    }
    const found = [...this.keys.values()].filter(({ key }) => isWithin(key, range));
    return found.sort(byKey);
  }

  /** Keys attached to a lease. */
  attached(lease: bigint): string[] {
    const keys: string[] = [];
    for (const pair of this.keys.values()) if (pair.lease === lease) keys.push(pair.key);
    return keys;
  }

  /** The state with some keys set or (undefined) deleted in the next revision, and without a lease. */
  change(changes: ReadonlyMap<string, Pair | undefined>, without?: bigint): KvState {
    const keys = new Map(this.keys);
    let { hash } = this;
    for (const [key, pair] of changes) {
      const before = keys.get(key);
      if (before !== undefined) hash = (hash - hashOf(before)) | 0;
      if (pair === undefined) keys.delete(key);
      else {
        keys.set(key, pair);
        hash = (hash + hashOf(pair)) | 0;
      }
    }
    const leases = without === undefined ? this.leases : withoutLease(this.leases, without);
    if (without !== undefined) hash = (hash - hashOfLease(without)) | 0;
    const revision = this.revision + (changes.size > 0 ? 1 : 0);
    return new KvState({ ...this, revision, keys, leases, hash, previous: this });
  }

  withLease(id: bigint): KvState {
    const leases = new Set(this.leases).add(id);
    const hash = (this.hash + hashOfLease(id)) | 0;
    return new KvState({ ...this, leases, hash, previous: this });
  }

  /** Without a lease that has no keys. */
  withoutLease(id: bigint): KvState {
    return this.change(new Map(), id);
  }

  compacted(compactRevision: number): KvState {
    return new KvState({ ...this, compactRevision, previous: this });
  }
}

/** What a request does to a state, and the answer that it must get; the same state when it changes nothing. */
export interface Outcome {
  readonly state: KvState;
  readonly answer: Answer;
}

/** Runs one request by the rules of etcd's interface. */
export function execute(state: KvState, request: Request): Outcome {
  switch (request.kind) {
    case 'put':
    case 'delete':
      return executeWrite(state, request);
    case 'range':
      return executeRange(state, request);
    case 'txn':
      return executeTxn(state, request);
    case 'grant': {
      if (state.leases.has(request.id)) return refused(state, 'leaseExists');
      const granted = state.withLease(request.id);
      return { state: granted, answer: { kind: 'lease', revision: state.revision } };
    }
    case 'revoke': {
      if (!state.leases.has(request.id)) return refused(state, 'leaseNotFound');
      const revoked = revoke(state, request.id);
      return { state: revoked, answer: { kind: 'lease', revision: revoked.revision } };
    }
    case 'compact': {
      if (request.revision <= state.compactRevision) return refused(state, 'compacted');
      if (request.revision > state.revision) return refused(state, 'futureRevision');
      const compacted = state.compacted(request.revision);
      return { state: compacted, answer: { kind: 'compact', revision: state.revision } };
    }
  }
}

/** The state without a lease and the keys attached to it; the same state when there is no such lease. */
export function revoke(state: KvState, id: bigint): KvState {
  if (!state.leases.has(id)) return state;
  const changes = new Map(state.attached(id).map((key) => [key, undefined] as const));
  return state.change(changes, id);
}

/** Why a range can't be read at a state, if so. */
export function rangeRefusal(state: KvState, { revision }: RangeRequest): Refusal | undefined {
  if (revision > state.revision) return 'futureRevision';
  if (revision > 0 && revision < state.compactRevision) return 'compacted';
  return undefined;
}

/** Changes of one transaction, read through by its later operations. */
class Draft {
  readonly base: KvState;
  readonly changes = new Map<string, Pair | undefined>();

  constructor(base: KvState) {
    this.base = base;
  }

  run(operation: TxnOperation): OperationAnswer {
    if (operation.kind === 'put') {
      this.#put(operation);
      return { kind: 'put' };
    }
    if (operation.kind === 'delete') {
      const found = this.#pairsIn(operation);
      for (const { key } of found) this.changes.set(key, undefined);
      return { kind: 'delete', deleted: found.length };
    }
    const { revision } = operation;
    const pairs =
      revision > 0 ? this.base.at(revision).pairsIn(operation) : this.#pairsIn(operation);
    return { kind: 'range', pairs, count: pairs.length };
  }

  #put({ key, value, lease }: PutRequest): void {
    const before = this.changes.has(key) ? this.changes.get(key) : this.base.keys.get(key);
    const modRevision = this.base.revision + 1;
    const createRevision = before?.createRevision ?? modRevision;
    const version = (before?.version ?? 0) + 1;
    this.changes.set(key, { key, value, lease, createRevision, modRevision, version });
  }

  #pairsIn(range: KeyRange): Pair[] {
    if (this.changes.size === 0) return this.base.pairsIn(range);
    const pairs = this.base.pairsIn(range).filter(({ key }) => !this.changes.has(key));
    for (const [key, pair] of this.changes) {
      if (pair !== undefined && isWithin(key, range)) pairs.push(pair);
    }
    return pairs.sort(byKey);
  }
}

function executeWrite(state: KvState, request: PutRequest | DeleteRequest): Outcome {
  if (isLeaseMissing(state, request)) return refused(state, 'leaseNotFound');
  const draft = new Draft(state);
  const answer = draft.run(request);
  return finish(draft, (revision) => ({ ...answer, revision }));
}

function executeRange(state: KvState, request: RangeRequest): Outcome {
  const refusal = rangeRefusal(state, request);
  if (refusal !== undefined) return refused(state, refusal);
  const pairs = state.at(request.revision || state.revision).pairsIn(request);
  const { revision } = state;
  return { state, answer: { kind: 'range', pairs, count: pairs.length, revision } };
}

function executeTxn(state: KvState, request: TxnRequest): Outcome {
  const succeeded = request.compares.every((compare) => holds(state, compare));
  const operations = succeeded ? request.success : request.failure;
  for (const operation of operations) {
    if (isLeaseMissing(state, operation)) return refused(state, 'leaseNotFound');
    const refusal = operation.kind === 'range' ? rangeRefusal(state, operation) : undefined;
    if (refusal !== undefined) return refused(state, refusal);
  }
  const draft = new Draft(state);
  const answers = operations.map((operation) => draft.run(operation));
  return finish(draft, (revision) => ({ kind: 'txn', succeeded, answers, revision }));
}

function finish(draft: Draft, answerAt: (revision: number) => Answer): Outcome {
  const state = draft.changes.size > 0 ? draft.base.change(draft.changes) : draft.base;
  return { state, answer: answerAt(state.revision) };
}

function holds(state: KvState, { key, target, equals }: Compare): boolean {
  const pair = state.keys.get(key);
  // The value of a key that isn't there equals nothing, not even the empty one (etcd, `applyCompare`).
  if (target === 'value') return pair !== undefined && pair.value === equals;
  return (pair?.[target] ?? 0) === equals;
}

function isLeaseMissing(state: KvState, operation: TxnOperation): boolean {
  return operation.kind === 'put' && operation.lease !== 0n && !state.leases.has(operation.lease);
}

function refused(state: KvState, reason: Refusal): Outcome {
  return { state, answer: { kind: 'refused', reason } };
}

function withoutLease(leases: ReadonlySet<bigint>, id: bigint): ReadonlySet<bigint> {
  const left = new Set(leases);
  left.delete(id);
  return left;
}

function byKey(a: Pair, b: Pair): number {
  return a.key < b.key ? -1 : 1;
}

/** FNV-1a, once for each pair object. */
const hashes = new WeakMap<Pair, number>();

function hashOf(pair: Pair): number {
  let hash = hashes.get(pair);
  if (hash === undefined) {
    const { key, value, lease, createRevision, modRevision, version } = pair;
    hash = fnv(`${key}\0${value}\0${lease},${createRevision},${modRevision},${version}`);
    hashes.set(pair, hash);
  }
  return hash;
}

function hashOfLease(id: bigint): number {
  return fnv(`lease ${id}`);
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
