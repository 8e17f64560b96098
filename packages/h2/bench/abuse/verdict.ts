import type { Attack } from './attack.ts';
import type { Latencies } from './latencies.ts';
import type { AttackResult, ServerMemory } from './messages.ts';

/** What is asked of the server under each attack. */
export const maxP99Ratio = 3;
export const maxRssGrowthBytes = 256 * 1024 * 1024;

/** One attack, measured. */
export interface Trial {
  readonly attack: Attack;
  readonly seconds: number;
  /** The honest client beside an idle attacker, right before; and under attack. */
  readonly baseline: Latencies;
  readonly attacked: Latencies;
  /** The server before, during (its peak) and after the attack. */
  readonly before: ServerMemory;
  readonly during: ServerMemory;
  readonly after: ServerMemory;
  readonly result: AttackResult;
}

/** How much longer the slowest hundredth of honest calls took. */
export function p99Ratio(trial: Trial): number {
  return trial.attacked.p99Ms / trial.baseline.p99Ms;
}

export function rssGrowthBytes(trial: Trial): number {
  return trial.during.peakRssBytes - trial.before.rssBytes;
}

/** What the server did wrong; empty: it passed. */
export function faultsOf(trial: Trial): string[] {
  const faults: string[] = [];
  const ratio = p99Ratio(trial);
  if (!(ratio <= maxP99Ratio)) faults.push(`p99 is ${ratio.toFixed(1)} times the baseline`);
  if (rssGrowthBytes(trial) > maxRssGrowthBytes) faults.push('RSS grew by more than 256 MiB');
  const failures = trial.attacked.failures + trial.baseline.failures;
  if (failures > 0) faults.push(`${failures} honest calls failed`);
  return [...faults, ...wrongOutcomes(trial.attack, trial.result)];
}

/** Endings and answers that the attack should not have got, or did not get. */
export function wrongOutcomes(attack: Attack, result: AttackResult): string[] {
  const { endings, answers } = attack.expected;
  const wrong: string[] = [];
  for (const { ending, text, count, longestLifeMs } of result.groups) {
    if (ending === 'open' && !endings.includes('open')) {
      if (longestLifeMs > attack.endsWithinMs) wrong.push(`${count} connections were not ended`);
    } else if (!endings.includes(ending)) {
      wrong.push(`${count} connections ended with ${ending} ${text}`);
    } else if (longestLifeMs > attack.endsWithinMs) {
      wrong.push(`a connection lived for ${Math.round(longestLifeMs)} ms`);
    }
  }
  const wasEnded = result.groups.some((group) => group.ending !== 'open');
  if (!endings.includes('open') && !wasEnded) wrong.push('no connection was ended');
  for (const [answer, count] of result.answers) {
    if (answers.length > 0 && !answers.includes(answer) && answer !== 'grpc-status 0') {
      wrong.push(`${count} streams got ${answer}`);
    }
  }
  const wasAnswered = result.answers.some(([answer]) => answers.includes(answer));
  if (answers.length > 0 && !wasAnswered) wrong.push(`no stream got ${answers[0]}`);
  return wrong;
}
