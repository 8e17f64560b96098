import type { FlagDefinitions } from '../flags/flag.ts';
import { byLetter } from '../flags/parse-flags.ts';
import type { Host } from '../host.ts';
import { outputFormats } from '../output/rendering.ts';
import type { Program } from './command.ts';
import { findCommand } from './find-command.ts';

/** A word that could stand next, and what it means. */
export interface Candidate {
  readonly word: string;
  readonly meaning: string;
}

/**
 * What can stand in the place of the last word: commands, flags, and values where a flag has few. None where anything
 * can stand; shells offer files then.
 */
export async function candidatesOf(
  program: Program,
  words: readonly string[],
): Promise<Candidate[]> {
  const done = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const { path, unknown } = findCommand(program, done);
  const entry = path.at(-1);
  const command = await entry?.load?.();
  const flags = { ...program.globalFlags, ...command?.flags };
  const value = valueFlag(flags, done.at(-1));
  if (value !== undefined) return valuesOf(value, current);
  if (current.startsWith('-')) return flagsOf(flags, current);
  if (unknown !== undefined) return [];
  const commands = entry === undefined ? program.commands : (entry.subcommands ?? []);
  return commands
    .filter(({ name }) => name.startsWith(current))
    .map(({ name, summary }) => ({ word: name, meaning: summary }));
}

/** As `candidatesOf`; for arguments, asks the cluster that flags and variables name. */
export async function candidatesFor(
  program: Program,
  host: Host,
  words: readonly string[],
): Promise<readonly Candidate[]> {
  const known = await candidatesOf(program, words);
  if (known.length > 0 || program.hasLiveCandidates !== true) return known;
  const { liveCandidates } = await import('./live-candidates.ts');
  return await liveCandidates(program, host, words);
}

/** The flag whose value comes after `word`; undefined when none does. */
function valueFlag(flags: FlagDefinitions, word: string | undefined): string | undefined {
  if (word === undefined || word.includes('=')) return undefined;
  const name = word.startsWith('--') ? word.slice(2) : byLetter(flags, word.slice(1))?.[0];
  if (!word.startsWith('-') || name === undefined || !Object.hasOwn(flags, name)) return undefined;
  return flags[name]?.impliedText === undefined ? name : undefined;
}

function valuesOf(flag: string, current: string): Candidate[] {
  if (flag !== 'write-out') return [];
  return outputFormats
    .filter((format) => format.startsWith(current))
    .map((format) => ({ word: format, meaning: '' }));
}

function flagsOf(flags: FlagDefinitions, current: string): Candidate[] {
  return Object.entries(flags)
    .map(([name, { usage }]) => ({ word: `--${name}`, meaning: usage }))
    .filter(({ word }) => word.startsWith(current))
    .sort((a, b) => (a.word < b.word ? -1 : 1));
}
