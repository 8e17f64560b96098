import type { History } from './history.ts';
import { type Evidence, isSame, kvCalls, type Step } from './kv-model.ts';
import type { KvState } from './kv-state.ts';
import { type Call, linearize, type Model, type Verdict } from './linearize.ts';
import { describeAnswer, describeRequest, type KeyEvent, type Pair } from './operation.ts';
import { Timeline, watchViolations } from './watch-checker.ts';

/** What a check found, and how much there was to look at. */
export interface HistoryReport {
  /** Broken promises, in words; empty when all were kept. */
  readonly violations: readonly string[];
  readonly operations: number;
  /** Calls whose outcome was never told. */
  readonly unanswered: number;
  readonly revisions: number;
  readonly watchEvents: number;
}

/** How a history is checked. */
export interface CheckOptions {
  /** How much faster than the clients' clock that of a server may run: a lease may end so much earlier. Default 0. */
  readonly clockDrift?: number;
  /** Steps of the search; see `linearize`. */
  readonly stepLimit?: number;
}

/**
 * Checks what clients saw: that all calls fit in one order (linearizability, with leases that never end early), and
 * that every watch tells what happened in that order.
 */
export function checkHistory(history: History, options: CheckOptions = {}): HistoryReport {
  history.close();
  const { operations, renewals, watches } = history;
  const told = watches.flatMap(({ messages }) => messages.flatMap(({ events }) => events));
  const evidence: Evidence = {
    log: history.log,
    events: told,
    renewals,
    clockDrift: options.clockDrift ?? 0,
  };
  const { model, calls } = kvCalls(operations, evidence);
  const verdict = linearize(model, calls, options.stepLimit);
  const figures = {
    operations: operations.length,
    unanswered: operations.filter(({ answer }) => answer === undefined).length,
    watchEvents: told.length,
  };
  if (verdict.kind !== 'linearizable') {
    const violations = [describeVerdict(verdict, [...history.log, ...told])];
    return { ...figures, violations, revisions: 0 };
  }
  const last = completed(verdict, model, calls, [...history.log, ...told]);
  const compactions = operations.flatMap(({ request }) =>
    request.kind === 'compact' && request.revision <= last.revision ? [request.revision] : [],
  );
  const timeline = new Timeline(last, Math.max(0, ...compactions));
  const violations = [
    ...history.log.flatMap((event) => eventViolation(event, timeline)),
    ...watches.flatMap((watch) => watchViolations(watch, timeline)),
  ];
  return { ...figures, violations, revisions: timeline.revision };
}

/** The last state, with the changes behind the last answered call that events tell of. */
function completed(
  verdict: Extract<Verdict<KvState, Step>, { kind: 'linearizable' }>,
  model: Model<KvState, Step>,
  calls: readonly Call<Step>[],
  events: readonly KeyEvent[],
): KvState {
  let { state } = verdict;
  const last = events.reduce((revision, event) => Math.max(revision, event.revision), 1);
  if (state.revision >= last) return state;
  const ordered = new Set(verdict.order);
  const open = calls.filter((call) => !call.isRequired && !ordered.has(call));
  // Each event names the one call that can have made it, as far as values are written once.
  while (state.revision < last) {
    const at = open.findIndex(({ op }) => model.step(state, op) !== undefined);
    const next = open[at] === undefined ? undefined : model.step(state, open[at].op);
    if (next === undefined) return state;
    open.splice(at, 1);
    state = next;
  }
  return state;
}

function eventViolation(event: KeyEvent, timeline: Timeline): string[] {
  const { key, revision, pair } = event;
  const found = timeline.eventsAt(revision).find((other) => other.key === key);
  if (found !== undefined && isSame(found.pair, pair)) return [];
  const ordered = found === undefined ? 'nothing' : describeChange(found.pair);
  return [
    `${key} was ${describeChange(pair)} at ${revision}, which no call explains; by the calls: ${ordered}`,
  ];
}

function describeChange(pair: Pair | undefined): string {
  if (pair === undefined) return 'deleted';
  const { value, version, createRevision, lease } = pair;
  return `set to ${value} (version ${version} of what was created at ${createRevision}, lease ${lease})`;
}

function describeVerdict(
  verdict: Exclude<Verdict<KvState, Step>, { kind: 'linearizable' }>,
  events: readonly KeyEvent[],
): string {
  if (verdict.kind === 'undecided') return `no order was found in ${verdict.steps} steps`;
  const { order, state, stuck } = verdict;
  const text = (call: Call<Step>) => {
    const { op } = call;
    if (op.kind === 'expiry') return `lease ${op.id} expires`;
    const { client, request, answer, calledAt, returnedAt } = op.operation;
    const when = `${calledAt}-${returnedAt === Number.POSITIVE_INFINITY ? '…' : returnedAt}`;
    return `[${when}] client ${client}: ${describeRequest(request)} → ${describeAnswer(answer)}`;
  };
  return [
    `not linearizable: ${text(stuck)}`,
    `behind revision ${state.revision} and the calls`,
    ...order.slice(-8).map((call) => `  ${text(call)}`),
    ...describeRevision(state.revision + 1, events),
  ].join('\n');
}

/** What is known of the revision that could not be made. */
function describeRevision(revision: number, events: readonly KeyEvent[]): string[] {
  const changes = new Set(
    events
      .filter((event) => event.revision === revision)
      .map(({ key, pair }) => (pair === undefined ? `${key} deleted` : `${key}=${pair.value}`)),
  );
  return changes.size === 0 ? [] : [`seen of revision ${revision}: ${[...changes].join(', ')}`];
}
