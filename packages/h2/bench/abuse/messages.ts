import type { Limits } from '../../src/index.ts';
import type { Latencies } from './latencies.ts';
import type { Outcome } from './outcome.ts';

/** What the bench asks its processes, one question at a time. */
export type Request =
  | { readonly ask: 'serve'; readonly limits: Partial<Limits> }
  /** The server's memory; the peak is the highest since the question before. */
  | { readonly ask: 'memory' }
  | { readonly ask: 'measure'; readonly port: number; readonly seconds: number }
  | {
      readonly ask: 'attack';
      readonly port: number;
      readonly seconds: number;
      readonly name: string;
    };

export interface ServerMemory {
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly connections: number;
  /** CPU used since the process began, in ms. */
  readonly cpuMs: number;
}

/** Outcomes that are alike. */
export interface OutcomeGroup {
  readonly ending: string;
  readonly text: string;
  readonly count: number;
  readonly medianLifeMs: number;
  readonly longestLifeMs: number;
}

export interface AttackResult {
  readonly groups: readonly OutcomeGroup[];
  readonly answers: readonly (readonly [string, number])[];
  readonly pieces: number;
}

/** The answer to each question. */
export interface Answers {
  readonly serve: number;
  readonly memory: ServerMemory;
  readonly measure: Latencies;
  readonly attack: AttackResult;
}

/** Gathers outcomes by how they ended. */
export function attackResultOf(outcomes: readonly Outcome[], pieces: number): AttackResult {
  const answers = new Map<string, number>();
  for (const outcome of outcomes) {
    for (const [answer, count] of outcome.answers) {
      answers.set(answer, (answers.get(answer) ?? 0) + count);
    }
  }
  const alike = Map.groupBy(outcomes, (outcome) => `${outcome.ending} ${outcome.text}`);
  const groups = [...alike.values()].map((some) => {
    const lives = some.map((outcome) => outcome.lifeMs).sort((a, b) => a - b);
    return {
      ending: some[0]?.ending ?? '',
      text: some[0]?.text ?? '',
      count: some.length,
      medianLifeMs: lives[lives.length >> 1] ?? 0,
      longestLifeMs: lives.at(-1) ?? 0,
    };
  });
  return { groups, answers: [...answers], pieces };
}
