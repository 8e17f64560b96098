import type { FlagDefinitions } from '../flags/flag.ts';
import { byLetter } from '../flags/parse-flags.ts';
import type { CommandEntry, Program } from './command.ts';

/** What the arguments call. */
export interface FoundCommand {
  /** From the program's own row to the command's; one element: the program itself. */
  readonly path: readonly CommandEntry[];
  /** The arguments without the command's names. */
  readonly args: readonly string[];
  /** The first argument that is no flag, if none of the commands is called so. */
  readonly unknown: string | undefined;
}

/** Finds the command that arguments name, by whole names or unambiguous beginnings, with flags anywhere between. */
export function findCommand(program: Program, args: readonly string[]): FoundCommand {
  const path: CommandEntry[] = [];
  let rest = [...args];
  let candidates: readonly CommandEntry[] = program.commands;
  for (;;) {
    const at = firstName(rest, program.globalFlags);
    const name = at === undefined ? undefined : rest[at];
    if (name === undefined) return { path, args: rest, unknown: undefined };
    const entry = match(candidates, name);
    if (entry === undefined) {
      return { path, args: rest, unknown: candidates.length > 0 ? name : undefined };
    }
    path.push(entry);
    rest = rest.filter((_, index) => index !== at);
    candidates = entry.subcommands ?? [];
    if (candidates.length === 0) return { path, args: rest, unknown: undefined };
  }
}

function match(candidates: readonly CommandEntry[], name: string): CommandEntry | undefined {
  const exact = candidates.find((entry) => entry.name === name);
  if (exact !== undefined) return exact;
  const beginnings = candidates.filter((entry) => entry.name.startsWith(name));
  const [originals, extensions] = [false, true].map((isExtension) =>
    beginnings.filter((entry) => (entry.isExtension ?? false) === isExtension),
  );
  const meant = originals?.length === 0 ? extensions : originals;
  return meant?.length === 1 ? meant[0] : undefined;
}

/** Where the first argument is that is neither a flag nor the value of one; what a flag takes, cobra guesses so too. */
function firstName(args: readonly string[], flags: FlagDefinitions): number | undefined {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return undefined;
    if (!arg.startsWith('-') && arg !== '') return at;
    const takesNext = arg.startsWith('--')
      ? !arg.includes('=') && flags[arg.slice(2)]?.impliedText === undefined
      : arg.length === 2 && byLetter(flags, arg.slice(1))?.[1].impliedText === undefined;
    if (takesNext) at += 1;
  }
  return undefined;
}
