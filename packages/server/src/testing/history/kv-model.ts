import { execute, KvState, rangeRefusal, revoke } from './kv-state.ts';
import type { Call, Model } from './linearize.ts';
import type {
  Answer,
  KeyEvent,
  Operation,
  OperationAnswer,
  Pair,
  RangeRequest,
  Renewal,
  Request,
} from './operation.ts';

/** What is put in order: a client's call, or a lease that the store itself ends because its time is over. */
export type Step =
  | { readonly kind: 'call'; readonly operation: Operation }
  | { readonly kind: 'expiry'; readonly id: bigint };

/** What is known beside the calls; it decides which of the unanswered calls took effect. */
export interface Evidence {
  /** Changes that somebody has told of: for each revision in it, all of them. */
  readonly log: readonly KeyEvent[];
  /** Other changes, such as watchers of some keys have told of. */
  readonly events: readonly KeyEvent[];
  readonly renewals: readonly Renewal[];
  /** How much faster than the client's clock that of a server may run; 0.05 for 5 %. */
  readonly clockDrift: number;
}

/** When leases may come into being or end without an answer that tells of it, in places of the history. */
interface LeaseTimes {
  /** From when on there may be one that was asked for in a call without an answer. */
  readonly mayExist: ReadonlyMap<bigint, number>;
  /** From when on it may be gone: revoked in a call without an answer, or expired. */
  readonly mayBeGone: ReadonlyMap<bigint, number>;
}

/**
 * etcd's key-value store with leases, as one that a client sees: revisions in answers are part of what is checked.
 *
 * Each revision has one owner. Where an answer names the owner, no other call can be it; where none does, a call that
 * was never answered is, or a lease that expired, and what was seen of that revision must be what it does.
 */
export class KvModel implements Model<KvState, Step> {
  readonly initial = KvState.empty;
  /** Revisions that an answered call has made. */
  readonly #owned = new Set<number>();
  /** What was seen of each revision: keys with their pairs, undefined for deleted ones. */
  readonly #seen: ReadonlyMap<number, ReadonlyMap<string, Pair | undefined>>;
  /** How many keys a revision has changed, where that is known. */
  readonly #sizes = new Map<number, number>();
  readonly #lastRevision: number;
  readonly #leases: LeaseTimes;
  /** Revisions of compactions that were never answered, in ascending order, with the places of their calls. */
  readonly #compactions: readonly { readonly revision: number; readonly calledAt: number }[];

  constructor(
    operations: readonly Operation[],
    evidence: Pick<Evidence, 'log' | 'events'>,
    leases: LeaseTimes,
  ) {
    this.#leases = leases;
    const { log, events } = evidence;
    this.#seen = seenOf(operations, [...log, ...events]);
    for (const { revision } of log) {
      this.#sizes.set(revision, (this.#sizes.get(revision) ?? 0) + 1);
    }
    let last = 1;
    for (const { answer, request } of operations) {
      const revision = answer !== undefined && answer.kind !== 'refused' ? answer.revision : 0;
      last = Math.max(last, revision);
      if (answer !== undefined && ownsRevision(request, answer)) this.#owned.add(revision);
    }
    this.#lastRevision = Math.max(last, ...this.#seen.keys());
    this.#compactions = operations
      .flatMap(({ request, answer, calledAt }) =>
        request.kind === 'compact' && answer === undefined
          ? [{ revision: request.revision, calledAt }]
          : [],
      )
      .sort((a, b) => a.revision - b.revision);
  }

  digest(state: KvState): string {
    return state.digest;
  }

  /** Only where the next revision was made by somebody who was never answered. */
  takesUnanswered({ revision }: KvState): boolean {
    return revision < this.#lastRevision && !this.#owned.has(revision + 1);
  }

  step(state: KvState, step: Step): KvState | undefined {
    if (step.kind === 'expiry') return this.#asSeen(state, revoke(state, step.id));
    const { request, answer } = step.operation;
    if (answer === undefined) {
      // Without a revision of its own it is taken for granted when an answer asks for it.
      if (request.kind === 'grant' || request.kind === 'compact') return undefined;
      return this.#asSeen(state, execute(state, request).state);
    }
    return this.#answered(state, step.operation, answer);
  }

  /**
   * The state after a change that made the next revision, if all that was seen of that revision is what the change did.
   * What was seen of a change that was answered counts, too: it may tell which of the unanswered ones came before.
   */
  #asSeen(before: KvState, after: KvState): KvState | undefined {
    const { revision } = after;
    if (revision === before.revision) return undefined;
    const size = this.#sizes.get(revision);
    if (size !== undefined && size !== countChanges(before, after)) return undefined;
    const seen = this.#seen.get(revision);
    if (seen === undefined) return after;
    for (const [key, pair] of seen) {
      const here = after.keys.get(key);
      if (pair === undefined ? here !== undefined || !before.keys.has(key) : !isSame(here, pair)) {
        return undefined;
      }
    }
    return after;
  }

  #answered(state: KvState, operation: Operation, answer: Answer): KvState | undefined {
    const { request, returnedAt } = operation;
    if (request.kind === 'range' && request.serializable) {
      return isTrueOfThePast(state, request, answer) ? state : undefined;
    }
    if (answer.kind === 'refused') return this.#refused(state, operation, answer.reason);
    if (answer.kind === 'compact') return compact(state, request, answer.revision);
    const ahead = answer.revision - state.revision;
    if (ahead !== 0 && ahead !== 1) return undefined;
    const assumed = this.#assumeLeases(state, request, returnedAt);
    const outcome = execute(assumed, request);
    if (!isSameAnswer(outcome.answer, answer)) return undefined;
    if (outcome.state === assumed) return state;
    return ahead === 0 ? outcome.state : this.#asSeen(assumed, outcome.state);
  }

  /** Leases that the answer needs and that somebody may have been granted without hearing of it. */
  #assumeLeases(state: KvState, request: Request, returnedAt: number): KvState {
    let assumed = state;
    for (const id of leasesOf(request)) {
      if (assumed.leases.has(id)) continue;
      if ((this.#leases.mayExist.get(id) ?? Number.POSITIVE_INFINITY) <= returnedAt) {
        assumed = assumed.withLease(id);
      }
    }
    return assumed;
  }

  #refused(state: KvState, operation: Operation, reason: string): KvState | undefined {
    const { request, returnedAt } = operation;
    const { answer } = execute(state, request);
    if (answer.kind === 'refused' && answer.reason === reason) return state;
    if (reason === 'leaseNotFound') {
      // It may have ended unseen if it had no keys; with keys, its end has a revision.
      for (const id of leasesOf(request)) {
        const gone = this.#leases.mayBeGone.get(id) ?? Number.POSITIVE_INFINITY;
        const isUnseen = state.leases.has(id) && state.attached(id).length === 0;
        if (isUnseen && gone <= returnedAt) return state.withoutLease(id);
      }
    }
    if (reason === 'leaseExists') {
      const assumed = this.#assumeLeases(state, request, returnedAt);
      return assumed === state ? undefined : assumed;
    }
    if (reason === 'compacted') return this.#assumeCompaction(state, operation);
    return undefined;
  }

  #assumeCompaction(state: KvState, { request, returnedAt }: Operation): KvState | undefined {
    for (const { revision, calledAt } of this.#compactions) {
      if (calledAt > returnedAt || revision > state.revision) continue;
      if (revision <= state.compactRevision) continue;
      const compacted = state.compacted(revision);
      const { answer } = execute(compacted, request);
      if (answer.kind === 'refused' && answer.reason === 'compacted') return compacted;
    }
    return undefined;
  }
}

/** The calls of a history and the leases' ends, as the search takes them, with the model that judges them. */
export function kvCalls(
  operations: readonly Operation[],
  evidence: Evidence,
): { model: KvModel; calls: Call<Step>[] } {
  const expiries = expiriesOf(operations, evidence);
  const leases = leaseTimesOf(operations, expiries);
  const calls: Call<Step>[] = operations.map((operation) => ({
    op: { kind: 'call', operation },
    calledAt: operation.calledAt,
    returnedAt: operation.answer === undefined ? Number.POSITIVE_INFINITY : operation.returnedAt,
    isRequired: operation.answer !== undefined,
  }));
  for (const [id, calledAt] of expiries) {
    const op = { kind: 'expiry', id } as const;
    calls.push({ op, calledAt, returnedAt: Number.POSITIVE_INFINITY, isRequired: false });
  }
  return { model: new KvModel(operations, evidence, leases), calls };
}

/**
 * From when on each lease may expire, as a place in the history: its TTL after the last renewal that was confirmed, or
 * after the grant, counted from when the client asked.
 */
function expiriesOf(
  operations: readonly Operation[],
  { renewals, clockDrift }: Evidence,
): Map<bigint, number> {
  const lastMs = new Map<bigint, number>();
  for (const { id, calledAtMs } of renewals) {
    lastMs.set(id, Math.max(calledAtMs, lastMs.get(id) ?? 0));
  }
  const expiries = new Map<bigint, number>();
  const placeAt = placesOf(operations);
  for (const { request, calledAtMs } of operations) {
    if (request.kind !== 'grant') continue;
    const fromMs = Math.max(calledAtMs, lastMs.get(request.id) ?? 0);
    expiries.set(request.id, placeAt(fromMs + (request.ttlSeconds * 1000) / (1 + clockDrift)));
  }
  return expiries;
}

/** A function from a time to the place of the last call or return before it. */
function placesOf(operations: readonly Operation[]): (ms: number) => number {
  const moments = operations.flatMap(({ calledAt, calledAtMs, returnedAt, returnedAtMs }) => [
    { at: calledAt, ms: calledAtMs },
    ...(Number.isFinite(returnedAt) ? [{ at: returnedAt, ms: returnedAtMs }] : []),
  ]);
  moments.sort((a, b) => a.at - b.at);
  return (ms) => {
    let low = 0;
    let high = moments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((moments[middle]?.ms ?? 0) < ms) low = middle + 1;
      else high = middle;
    }
    return (moments[low - 1]?.at ?? 0) + 0.5;
  };
}

function leaseTimesOf(
  operations: readonly Operation[],
  expiries: ReadonlyMap<bigint, number>,
): LeaseTimes {
  const mayExist = new Map<bigint, number>();
  const mayBeGone = new Map(expiries);
  for (const { request, answer, calledAt } of operations) {
    if (answer !== undefined) continue;
    if (request.kind === 'grant') mayExist.set(request.id, calledAt);
    if (request.kind === 'revoke') {
      const before = mayBeGone.get(request.id) ?? Number.POSITIVE_INFINITY;
      mayBeGone.set(request.id, Math.min(before, calledAt));
    }
  }
  return { mayExist, mayBeGone };
}

/** Whether an answer says that its request made the revision in it. */
function ownsRevision(request: Request, answer: Answer): boolean {
  if (answer.kind === 'put') return true;
  if (answer.kind === 'delete') return answer.deleted > 0;
  if (answer.kind !== 'txn') return false;
  return request.kind === 'txn' && answer.answers.some(changesSomething);
}

function changesSomething(answer: OperationAnswer): boolean {
  return answer.kind === 'put' || (answer.kind === 'delete' && answer.deleted > 0);
}

/** What answers and events tell of single revisions. */
function seenOf(
  operations: readonly Operation[],
  events: readonly KeyEvent[],
): Map<number, Map<string, Pair | undefined>> {
  const seen = new Map<number, Map<string, Pair | undefined>>();
  const note = (revision: number, key: string, pair: Pair | undefined) => {
    const known = seen.get(revision) ?? new Map<string, Pair | undefined>();
    seen.set(revision, known.set(key, pair));
  };
  for (const { key, revision, pair } of events) note(revision, key, pair);
  for (const { answer } of operations) {
    if (answer === undefined || answer.kind === 'refused') continue;
    const parts = answer.kind === 'txn' ? answer.answers : [answer];
    for (const part of parts) {
      if (part.kind !== 'range') continue;
      for (const pair of part.pairs) note(pair.modRevision, pair.key, pair);
    }
  }
  return seen;
}

/** A compaction is answered at the revision of a later moment: its own is only known not to be after it. */
function compact(state: KvState, request: Request, answered: number): KvState | undefined {
  if (state.revision > answered) return undefined;
  const outcome = execute(state, request);
  return outcome.answer.kind === 'compact' ? outcome.state : undefined;
}

/** A member alone may answer with what was, and refuse what it doesn't know or no longer has. */
function isTrueOfThePast(state: KvState, request: RangeRequest, answer: Answer): boolean {
  if (answer.kind === 'refused') {
    return rangeRefusal(state, request) !== undefined || request.revision > 0;
  }
  if (answer.kind !== 'range' || answer.revision > state.revision) return false;
  const revision = request.revision || answer.revision;
  const { answer: expected } = execute(state.at(revision), { ...request, revision: 0 });
  return isSameAnswer({ ...expected, revision: answer.revision } as Answer, answer);
}

/** How many keys differ between a state and the next. */
function countChanges(before: KvState, after: KvState): number {
  let count = 0;
  for (const [key, pair] of after.keys) if (before.keys.get(key) !== pair) count++;
  for (const key of before.keys.keys()) if (!after.keys.has(key)) count++;
  return count;
}

function leasesOf(request: Request): readonly bigint[] {
  switch (request.kind) {
    case 'put':
      return request.lease === 0n ? [] : [request.lease];
    case 'txn':
      return [...request.success, ...request.failure].flatMap(leasesOf);
    case 'grant':
    case 'revoke':
      return [request.id];
    default:
      return [];
  }
}

function isSameAnswer(one: Answer, other: Answer): boolean {
  if (one.kind === 'refused' || other.kind === 'refused') {
    return one.kind === 'refused' && other.kind === 'refused' && one.reason === other.reason;
  }
  if (one.kind !== other.kind || one.revision !== other.revision) return false;
  if (one.kind !== 'txn' || other.kind !== 'txn') {
    return isSamePart(one as OperationAnswer, other as OperationAnswer);
  }
  return (
    one.succeeded === other.succeeded &&
    one.answers.length === other.answers.length &&
    one.answers.every((part, i) => isSamePart(part, other.answers[i] as OperationAnswer))
  );
}

function isSamePart(one: OperationAnswer, other: OperationAnswer): boolean {
  if (one.kind === 'delete' && other.kind === 'delete') return one.deleted === other.deleted;
  if (one.kind !== 'range' || other.kind !== 'range') return one.kind === other.kind;
  return (
    one.count === other.count &&
    one.pairs.length === other.pairs.length &&
    one.pairs.every((pair, i) => isSame(pair, other.pairs[i]))
  );
}

/** Whether two pairs are equal in everything. */
export function isSame(one: Pair | undefined, other: Pair | undefined): boolean {
  if (one === other) return true;
  return (
    one !== undefined &&
    other !== undefined &&
    one.key === other.key &&
    one.value === other.value &&
    one.lease === other.lease &&
    one.createRevision === other.createRevision &&
    one.modRevision === other.modRevision &&
    one.version === other.version
  );
}
