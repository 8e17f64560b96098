import { ErrorCode } from '../../frames.ts';
import type { Outcome, StreamOutcome } from './outcome.ts';

/**
 * Where two servers may differ and both be right, with the words of RFC 9113 that allow it. Anything else is a
 * finding.
 */
export const allowances = {
  scope: '§5.4.2: an endpoint can treat a stream error as a connection error',
  code: '§7: which code describes an error best is for its sender to choose',
  lost: '§5.4.1: what a connection error leaves unanswered',
  stricter: '§8.1.1: malformed requests are stream errors, and we find more of them malformed',
  limits: '§10.5.1: how large a header list may be is for its receiver to choose',
  priority: '§5.3.2: priority signals are ignored, so a stream may depend on itself',
  acknowledged: '§6.5.3, §6.7: an acknowledgment that nobody waits for breaks no rule',
  extension: '§6.5.2: unknown settings are ignored; theirs knows those of RFC 8441 and RFC 9218',
  closed: '§5.1: frames on a stream that was just closed can be ignored, or end the connection',
  early: '§8.1: a response may be complete before its request is, whose rest is then ignored',
  race: '§5.1: whether an answer leaves before the reset of its stream arrives is a matter of time',
  authority: '§8.3.1: only :method, :scheme and :path must be there',
  goaway: '§6.8: whether a connection is closed after a GOAWAY is for its receiver to choose',
  internal: '§7: INTERNAL_ERROR is trouble of the other server alone',
  grpc: 'gRPC over HTTP/2: a call can fail where a plain request is in order',
  partial: '§5.2: how much of an unfinished answer is sent ahead is for its sender to choose',
} as const;

export type Allowance = keyof typeof allowances;

/** The differences between ours and theirs: allowed ones by name, others in words. */
export interface Comparison {
  readonly allowed: ReadonlySet<Allowance>;
  readonly findings: readonly string[];
}

export function compare(ours: Outcome, theirs: Outcome): Comparison {
  const allowed = new Set<Allowance>();
  const findings: string[] = [];
  if (ours.isAlive !== theirs.isAlive) {
    const reason = ours.isAlive ? whyTheirsEnded(ours, theirs) : whyOursEnded(ours);
    if (reason in allowances) allowed.add(reason as Allowance);
    else findings.push(reason);
  }
  if (ours.goaway !== theirs.goaway && ours.isAlive === theirs.isAlive) allowed.add('code');
  for (const id of new Set([...ours.streams.keys(), ...theirs.streams.keys()])) {
    const result = compareStreams(ours, theirs, id);
    if (result !== undefined && result in allowances) allowed.add(result as Allowance);
    else if (result !== undefined) findings.push(`stream ${id}: ${result}`);
  }
  return { allowed, findings };
}

function whyOursEnded(ours: Outcome): string {
  return ours.goaway === undefined ? 'ours is silent, theirs goes on' : 'scope';
}

function whyTheirsEnded(ours: Outcome, theirs: Outcome): string {
  const { goaway, sent } = theirs;
  if (hasReset(ours)) return 'scope';
  if (sent.hasSelfDependency) return 'priority';
  if (sent.acknowledgements > 1 || sent.hasPingAck) return 'acknowledged';
  if (sent.hasGoaway) return 'goaway';
  if (sent.hasExtensionSetting) return 'extension';
  if (goaway === streamClosed || sent.hasOddPriority || sent.hasZeroIncrement) return 'closed';
  if (goaway === internalError) return 'internal';
  if (sent.nowhereIds.size > 0) return 'authority';
  if (goaway === undefined && hasEarlyAnswer(ours)) return 'early';
  return `ours goes on, theirs ended with ${goaway ?? 'nothing'}`;
}

const nothing: StreamOutcome = { answer: '', end: 'open', digest: undefined };

function compareStreams(ours: Outcome, theirs: Outcome, id: number): string | undefined {
  const our = ours.streams.get(id) ?? nothing;
  const their = theirs.streams.get(id) ?? nothing;
  if (our.end === their.end && our.answer === their.answer) return undefined;
  if (our.answer.startsWith('431')) return 'limits';
  if (ours.sent.resetIds.has(id)) return 'race';
  if (our.end === 'complete' && their.end === 'complete') {
    if (our.answer === 'failed') return 'grpc';
    return `answers differ: ${cut(our.answer)} / ${cut(their.answer)}`;
  }
  const isBroken = !ours.isAlive || !theirs.isAlive;
  if (typeof our.end === 'number') {
    if (typeof their.end === 'number') return our.end === their.end ? 'partial' : 'code';
    return their.end === 'complete' || !theirs.isAlive || their.answer === ''
      ? 'stricter'
      : 'partial';
  }
  if (typeof their.end === 'number') {
    if (isBroken) return 'lost';
    if (theirs.sent.hasSelfDependency) return 'priority';
    if (our.end === 'complete' && isEarly(our)) return 'early';
    if (ours.sent.nowhereIds.has(id)) return 'authority';
    return `theirs is reset with ${their.end}, ours is ${our.end}: ${cut(our.answer)}`;
  }
  if (isBroken) return 'lost';
  if (our.answer === 'failed') return their.answer === '' ? 'early' : 'partial';
  const isPrefix = isBegun(our, their) || isBegun(their, our);
  if (isPrefix && their.answer !== '') return 'partial';
  return `ours is ${our.end}, theirs ${their.end}: ${cut(our.answer)} / ${cut(their.answer)}`;
}

const internalError = ErrorCode.internalError;
const { streamClosed } = ErrorCode;

/** Answers that are given without looking at the body. */
function isEarly({ answer }: StreamOutcome): boolean {
  return answer === 'failed' || answer.startsWith('431') || answer === '200 early';
}

function hasEarlyAnswer(outcome: Outcome): boolean {
  for (const stream of outcome.streams.values()) {
    if (stream.end === 'complete' && isEarly(stream)) return true;
  }
  return false;
}

/** Whether the one is the beginning of the other. */
function isBegun(one: StreamOutcome, other: StreamOutcome): boolean {
  return one.end === 'open' && other.answer.startsWith(one.answer.trimEnd());
}

/** Streams of which the two servers understood the fields differently: never right, when they are in order. */
export function misreadStreams(ours: Outcome, theirs: Outcome): number[] {
  return [...ours.streams.keys()].filter((id) => {
    const our = ours.streams.get(id)?.digest;
    const their = theirs.streams.get(id)?.digest;
    return our !== undefined && their !== undefined && our !== their;
  });
}

function hasReset(outcome: Outcome): boolean {
  for (const { end } of outcome.streams.values()) if (typeof end === 'number') return true;
  return false;
}

function cut(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
