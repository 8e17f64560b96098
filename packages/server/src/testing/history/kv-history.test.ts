import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkHistory } from './check-history.ts';
import { History } from './history.ts';
import { execute, KvState } from './kv-state.ts';
import type { Answer, Operation, Pair, Request } from './operation.ts';
import { randomHistory } from './testing/random-history.ts';

const put = (key: string, value: string, lease = 0n): Request => ({
  kind: 'put',
  key,
  value,
  lease,
});
const get = (key: string, more: { revision?: number; serializable?: boolean } = {}): Request => {
  return { kind: 'range', key, rangeEnd: '', revision: 0, serializable: false, ...more };
};
const all: Request = { kind: 'range', key: '\0', rangeEnd: '\0', revision: 0, serializable: false };
const del = (key: string): Request => ({ kind: 'delete', key, rangeEnd: '' });
const pair = (key: string, value: string, modRevision: number, more: Partial<Pair> = {}): Pair => {
  return { key, value, lease: 0n, createRevision: modRevision, modRevision, version: 1, ...more };
};
const found = (revision: number, ...pairs: Pair[]): Answer => {
  return { kind: 'range', revision, pairs, count: pairs.length };
};
const at = (revision: number): Answer => ({ kind: 'put', revision });
const deleted = (revision: number, count: number): Answer => {
  return { kind: 'delete', revision, deleted: count };
};

/** The definition: whether any order of any set of calls with all answered ones gives these answers. */
function hasOrder(calls: readonly Operation[], state: KvState): boolean {
  if (calls.every(({ answer }) => answer === undefined)) return true;
  return calls.some((next) => {
    const rest = calls.filter((other) => other !== next);
    if (rest.some((other) => other.returnedAt < next.calledAt)) return false;
    const outcome = execute(state, next.request);
    if (next.answer !== undefined && !isDeepStrictEqual(outcome.answer, next.answer)) return false;
    return hasOrder(rest, outcome.state);
  });
}

/** A history with a line for each call, one after the other; without an answer when there is none. */
function story(...lines: [Request, Answer?][]): History {
  const history = new History();
  lines.forEach(([request, answer], i) => {
    const call = history.called(i, request, i);
    if (answer !== undefined) history.returned(call, answer, i);
  });
  return history;
}

const swap: Request = {
  kind: 'txn',
  compares: [{ key: 'a', target: 'modRevision', equals: 2 }],
  success: [{ kind: 'put', key: 'a', value: '2', lease: 0n }],
  failure: [{ kind: 'range', key: 'a', rangeEnd: '', revision: 0, serializable: false }],
};
const swapped = (revision: number): Answer => {
  return { kind: 'txn', revision, succeeded: true, answers: [{ kind: 'put' }] };
};
const grant: Request = { kind: 'grant', id: 7n, ttlSeconds: 2 };
const revoke: Request = { kind: 'revoke', id: 7n };
const leased = (revision: number): Answer => ({ kind: 'lease', revision });
const noLease: Answer = { kind: 'refused', reason: 'leaseNotFound' };

describe('what the checker lets pass', () => {
  it.each<[string, History]>([
    [
      'writes and reads in order',
      story([put('a', '1'), at(2)], [get('a'), found(2, pair('a', '1', 2))]),
    ],
    ['a delete of nothing', story([del('a'), deleted(1, 0)], [get('a'), found(1)])],
    [
      'a write without an answer that took effect',
      story([put('a', '1')], [get('a'), found(2, pair('a', '1', 2))]),
    ],
    [
      'one that took effect after a read',
      story([put('a', '1')], [get('a'), found(1)], [get('a'), found(2, pair('a', '1', 2))]),
    ],
    ['one that never did', story([put('a', '1')], [put('b', '1'), at(2)])],
    ['a compare-and-swap', story([put('a', '1'), at(2)], [swap, swapped(3)])],
    [
      'a read of the past',
      story(
        [put('a', '1'), at(2)],
        [put('a', '2'), at(3)],
        [get('a', { revision: 2 }), found(3, pair('a', '1', 2))],
      ),
    ],
    [
      'a stale answer of one member alone',
      story([put('a', '1'), at(2)], [get('a', { serializable: true }), found(1)]),
    ],
    [
      'a lease and its keys',
      story([grant, leased(1)], [put('a', '1', 7n), at(2)], [revoke, leased(3)], [all, found(3)]),
    ],
    ['a lease that was granted without an answer', story([grant], [put('a', '1', 7n), at(2)])],
    [
      'one that was revoked without an answer',
      story([grant, leased(1)], [revoke], [put('a', '1', 7n), noLease]),
    ],
    [
      'a compaction',
      story(
        [put('a', '1'), at(2)],
        [put('a', '2'), at(3)],
        [
          { kind: 'compact', revision: 3 },
          { kind: 'compact', revision: 3 },
        ],
        [get('a', { revision: 2 }), { kind: 'refused', reason: 'compacted' }],
      ),
    ],
    [
      'a compaction without an answer',
      story(
        [put('a', '1'), at(2)],
        [put('a', '2'), at(3)],
        [{ kind: 'compact', revision: 3 }],
        [get('a', { revision: 2 }), { kind: 'refused', reason: 'compacted' }],
      ),
    ],
  ])('%s', (_, history) => {
    expect(checkHistory(history).violations).toEqual([]);
  });
});

describe('what watches tell', () => {
  /** One of the deletions took effect, at 4; of that revision nobody has told. */
  const eitherDeleted = (event: Pair) => {
    const history = story(
      [put('a', '1'), at(2)],
      [put('b', '1'), at(3)],
      [del('b')],
      [del('a')],
      [put('a', '2'), at(5)],
    );
    history.log.push({ key: 'a', revision: 5, pair: event });
    return checkHistory(history).violations;
  };

  it('decides which of the calls without an answer came before', () => {
    expect(eitherDeleted(pair('a', '2', 5))).toEqual([]);
    expect(eitherDeleted(pair('a', '2', 5, { createRevision: 2, version: 2 }))).toEqual([]);
  });

  it('must be what the calls have done', () => {
    const [violation] = eitherDeleted(pair('a', '2', 5, { createRevision: 2, version: 3 }));
    expect(violation).toContain('not linearizable');
    expect(violation).toContain('a=2');
  });
});

describe('what the checker finds', () => {
  it.each<[string, History]>([
    ['a lost write', story([put('a', '1'), at(2)], [get('a'), found(1)])],
    [
      'a stale read',
      story(
        [put('a', '1'), at(2)],
        [put('a', '2'), at(3)],
        [get('a'), found(2, pair('a', '1', 2))],
      ),
    ],
    ['a revision given twice', story([put('a', '1'), at(2)], [put('b', '1'), at(2)])],
    ['a revision that nobody made', story([put('a', '1'), at(3)])],
    [
      'a value that nobody wrote',
      story([put('a', '1'), at(2)], [get('a'), found(2, pair('a', '2', 2))]),
    ],
    [
      'a wrong version',
      story([put('a', '1'), at(2)], [get('a'), found(2, pair('a', '1', 2, { version: 2 }))]),
    ],
    [
      'a write that happened twice',
      story(
        [put('a', '1')],
        [get('a'), found(3, pair('a', '1', 3, { createRevision: 2, version: 2 }))],
      ),
    ],
    [
      'half of a delete',
      story(
        [put('a', '1'), at(2)],
        [del('a'), deleted(3, 1)],
        [get('a'), found(3, pair('a', '1', 2))],
      ),
    ],
    [
      'a compare-and-swap that ignored the compare',
      story([put('a', '1'), at(2)], [put('a', '1'), at(3)], [swap, swapped(4)]),
    ],
    [
      'an answer of one member alone from the future',
      story(
        [get('a', { serializable: true }), found(2, pair('a', '1', 2))],
        [put('a', '1'), at(2)],
      ),
    ],
    [
      'an answer of one member alone that never was true',
      story(
        [put('a', '1'), at(2)],
        [put('a', '2'), at(3)],
        [get('a', { serializable: true }), found(3, pair('a', '1', 2))],
      ),
    ],
    [
      'a wrong past',
      story(
        [put('a', '1'), at(2)],
        [put('a', '2'), at(3)],
        [get('a', { revision: 2 }), found(3, pair('a', '2', 3))],
      ),
    ],
    ['a lease that ended early', story([grant, leased(1)], [put('a', '1', 7n), noLease])],
    [
      'a lease whose keys went early',
      story([grant, leased(1)], [put('a', '1', 7n), at(2)], [get('a'), found(3)]),
    ],
    [
      'a revoked lease whose keys stay',
      story(
        [grant, leased(1)],
        [put('a', '1', 7n), at(2)],
        [revoke, leased(3)],
        [get('a'), found(3, pair('a', '1', 2, { lease: 7n }))],
      ),
    ],
    [
      'a revoked lease that is back',
      story([grant, leased(1)], [revoke, leased(1)], [put('a', '1', 7n), at(2)]),
    ],
    [
      'a compacted revision that can be read',
      story(
        [put('a', '1'), at(2)],
        [put('a', '2'), at(3)],
        [
          { kind: 'compact', revision: 3 },
          { kind: 'compact', revision: 3 },
        ],
        [get('a', { revision: 2 }), found(3, pair('a', '1', 2))],
      ),
    ],
    [
      'a refusal without reason',
      story(
        [put('a', '1'), at(2)],
        [get('a', { revision: 2 }), { kind: 'refused', reason: 'compacted' }],
      ),
    ],
  ])('%s', (_, history) => {
    expect(checkHistory(history).violations[0]).toContain('not linearizable');
  });
});

describe('leases and time', () => {
  /** A lease of 2 s with a key that is gone `afterMs` after the grant; renewed after 1 s if asked for. */
  const goneAfter = (afterMs: number, isRenewed = false): History => {
    const history = new History();
    history.returned(history.called(0, grant, 0), leased(1), 10);
    history.returned(history.called(0, put('a', '1', 7n), 20), at(2), 30);
    if (isRenewed) history.renewals.push({ id: 7n, calledAtMs: 1000 });
    history.returned(history.called(1, get('a'), afterMs), found(3), afterMs + 10);
    return history;
  };

  it.each([
    [goneAfter(1500), 1],
    [goneAfter(2500), 0],
    [goneAfter(2500, true), 1],
    [goneAfter(3500, true), 0],
  ])('a lease lives for its TTL after the last renewal (%#)', (history, violations) => {
    expect(checkHistory(history).violations).toHaveLength(violations);
  });

  it('clocks may run at different rates, within bounds', () => {
    expect(checkHistory(goneAfter(1950), { clockDrift: 0.05 }).violations).toEqual([]);
    expect(checkHistory(goneAfter(1800), { clockDrift: 0.05 }).violations).toHaveLength(1);
  });
});

describe('histories of many clients', () => {
  it('pass when a store made them that keeps its promises', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { history } = randomHistory(seed, { calls: 120 });
      expect(checkHistory(history).violations, `seed ${seed}`).toEqual([]);
    }
  });

  it('fail when one answer is another one', () => {
    let caught = 0;
    const tries = 200;
    for (let seed = 1; seed <= tries; seed++) {
      const { history, prng } = randomHistory(seed, { calls: 120 });
      const ranges = history.operations.flatMap(({ answer }, i) =>
        answer?.kind === 'range' && answer.pairs.length > 0 ? [i] : [],
      );
      const index = ranges[prng.below(ranges.length)] ?? 0;
      const operation = history.operations[index];
      if (operation?.answer?.kind !== 'range') continue;
      const answer = { ...operation.answer, pairs: operation.answer.pairs.slice(1) };
      history.operations[index] = { ...operation, answer };
      caught += checkHistory(history).violations.length > 0 ? 1 : 0;
    }
    expect(caught).toBe(tries);
  });

  it('are judged as the definition judges them', () => {
    const verdicts = { right: 0, wrong: 0 };
    for (let seed = 1; seed <= 1000; seed++) {
      const { history, prng } = randomHistory(seed, { calls: 5, clients: 3 });
      history.close();
      const { operations } = history;
      const index = prng.below(operations.length);
      const { answer } = operations[index] as Operation;
      if (answer?.kind === 'put' || answer?.kind === 'delete') {
        const revision = Math.max(1, answer.revision + (prng.chance(0.5) ? 1 : -1));
        operations[index] = {
          ...(operations[index] as Operation),
          answer: { ...answer, revision },
        };
      }
      const isRight = hasOrder(operations, KvState.empty);
      verdicts[isRight ? 'right' : 'wrong']++;
      const { violations } = checkHistory(history);
      expect(violations.length === 0, `seed ${seed}: ${violations.join()}`).toBe(isRight);
    }
    expect(verdicts.wrong).toBeGreaterThan(200);
    expect(verdicts.right).toBeGreaterThan(200);
  });

  it('may be thousands of calls long', () => {
    const { history } = randomHistory(1, { calls: 10_000 });
    const report = checkHistory(history);
    expect(report.violations).toEqual([]);
    expect(report.operations).toBeGreaterThanOrEqual(10_000);
    expect(report.unanswered).toBeGreaterThan(300);
  });
});
