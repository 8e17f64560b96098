import { Prng } from '@kvorum/wal/testing';
import { History, type OpenCall } from '../history.ts';
import { execute, KvState } from '../kv-state.ts';
import type { Answer, KeyRange, Request, TxnOperation } from '../operation.ts';
import { Timeline } from '../watch-checker.ts';

const keys = ['a', 'b', 'c', 'd', 'e', 'f'];

/** What clients (8 by default) see of a store that keeps every promise, though it answers late or not at all. */
export function randomHistory(
  seed: number,
  options: { readonly calls: number; readonly clients?: number },
): { history: History; timeline: Timeline; prng: Prng } {
  const prng = new Prng(seed);
  const history = new History();
  let state = KvState.empty;
  let values = 0;
  let nextLease = 1n;
  let nowMs = 0;
  const running: { call: OpenCall; answer: Answer | undefined; isLost: boolean }[] = [];
  const pick = <T>(items: readonly T[]): T => items[prng.below(items.length)] as T;
  const range = (): KeyRange => {
    return prng.chance(0.6)
      ? { key: pick(keys), rangeEnd: '' }
      : { key: 'b', rangeEnd: pick(['e', '\0']) };
  };
  const operation = (): TxnOperation => {
    const dice = prng.below(10);
    if (dice < 5) {
      const lease =
        prng.chance(0.2) && nextLease > 1n ? BigInt(1 + prng.below(Number(nextLease))) : 0n;
      return { kind: 'put', key: pick(keys), value: `v${values++}`, lease };
    }
    if (dice < 8) {
      const revision = prng.chance(0.2) ? Math.max(0, state.revision - prng.below(10)) : 0;
      return { kind: 'range', ...range(), revision, serializable: false };
    }
    return { kind: 'delete', ...range() };
  };
  const request = (): Request => {
    const dice = prng.below(20);
    if (dice < 14) return operation();
    if (dice < 17) {
      const key = pick(keys);
      const equals = state.keys.get(key)?.modRevision ?? 0;
      const compares = [{ key, target: 'modRevision', equals } as const];
      const put = { kind: 'put', key, value: `v${values++}`, lease: 0n } as const;
      return {
        kind: 'txn',
        compares,
        success: [put],
        failure: [{ kind: 'delete', key, rangeEnd: '' }],
      };
    }
    if (dice < 18) return { kind: 'grant', id: nextLease++, ttlSeconds: 1000 };
    if (dice < 19) return { kind: 'revoke', id: BigInt(1 + prng.below(Number(nextLease))) };
    return { kind: 'compact', revision: Math.max(1, state.revision - prng.below(8)) };
  };
  while (history.operations.length < options.calls) {
    nowMs++;
    if (running.length < (options.clients ?? 8) && prng.chance(0.5)) {
      const call = history.called(running.length, request(), nowMs);
      running.push({ call, answer: undefined, isLost: prng.chance(0.05) });
      continue;
    }
    const next = running[prng.below(running.length)];
    if (next === undefined) continue;
    if (next.answer === undefined && !(next.isLost && prng.chance(0.5))) {
      const outcome = execute(state, next.call.request);
      state = outcome.state;
      next.answer = outcome.answer;
      continue;
    }
    running.splice(running.indexOf(next), 1);
    if (next.isLost || next.answer === undefined) history.gaveUp(next.call);
    else history.returned(next.call, next.answer, nowMs);
  }
  return { history, timeline: new Timeline(state), prng };
}
