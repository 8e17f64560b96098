import type { Flag, FlagDefinitions } from '../flags/flag.ts';
import type { Command, CommandEntry, Program } from './command.ts';

/** The help of a program: its commands by groups. */
export function programHelp(program: Program): string {
  return `${program.summary}\n\n${programUsage(program)}${program.helpFooter}\n`;
}

/** How a program is used; follows the text of an error. */
export function programUsage(program: Program): string {
  const lines = ['Usage:', `  ${program.name} [command]`];
  const padding = Math.max(...program.commands.map(({ name }) => name.length), 11);
  const rowsOf = (group: string | undefined) =>
    [...program.commands]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .filter((entry) => entry.group === group)
      .map(({ name, summary }) => `  ${name.padEnd(padding)} ${summary}`);
  for (const { id, title } of program.groups) lines.push('', title, ...rowsOf(id));
  const others = rowsOf(undefined);
  if (others.length > 0) lines.push('', 'Additional Commands:', ...others);
  lines.push('', `Use "${program.name} [command] --help" for more information about a command.`);
  return `${lines.join('\n')}\n`;
}

/** The help of a group of commands. */
export function groupHelp(program: Program, path: readonly CommandEntry[]): string {
  const entry = path.at(-1);
  return `${entry?.summary ?? ''}\n\n${groupUsage(program, path)}${program.helpFooter}\n`;
}

function groupUsage(program: Program, path: readonly CommandEntry[]): string {
  const commands = path.at(-1)?.subcommands ?? [];
  const name = [program.name, ...path.map((entry) => entry.name)].join(' ');
  const padding = Math.max(...commands.map((entry) => entry.name.length), 11);
  const lines = ['Usage:', `  ${name} [command]`, '', 'Available Commands:'];
  for (const entry of commands) lines.push(`  ${entry.name.padEnd(padding)} ${entry.summary}`);
  lines.push('', 'Flags:', ...flagLines({}, path.at(-1)?.name ?? ''));
  lines.push('', `Use "${name} [command] --help" for more information about a command.`);
  return `${lines.join('\n')}\n`;
}

/** The help of one command. */
export function commandHelp(
  program: Program,
  path: readonly CommandEntry[],
  command: Command,
): string {
  const about = command.long ?? path.at(-1)?.summary ?? '';
  return `${about}\n\n${commandUsage(program, path, command)}${program.helpFooter}\n`;
}

/** How one command is used; follows the text of an error. */
export function commandUsage(
  program: Program,
  path: readonly CommandEntry[],
  command: Command,
): string {
  const parents = [program.name, ...path.slice(0, -1).map((entry) => entry.name)].join(' ');
  const flags = flagLines(command.flags, path.at(-1)?.name ?? '');
  return `Usage:\n  ${parents} ${command.use} [flags]\n\nFlags:\n${flags.join('\n')}\n`;
}

/** The flags of `kvctl options`. */
export function flagLines(definitions: FlagDefinitions, commandName: string | undefined): string[] {
  const all: Record<string, Flag<unknown>> = { ...definitions };
  if (commandName !== undefined) all.help = helpFlag(commandName);
  const rows = Object.entries(all)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => [leftOf(name, flag), rightOf(flag)] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}   ${right}`);
}

function helpFlag(commandName: string): Flag<unknown> {
  const usage = `help for ${commandName}`;
  const shorthand = 'h';
  return {
    valueName: '',
    usage,
    defaultValue: false,
    defaultText: '',
    shorthand,
    parse: () => true,
  };
}

function leftOf(name: string, flag: Flag<unknown>): string {
  const label =
    flag.shorthand === undefined ? `      --${name}` : `  -${flag.shorthand}, --${name}`;
  return flag.valueName === '' ? label : `${label} ${flag.valueName}`;
}

function rightOf({ usage, defaultText }: Flag<unknown>): string {
  return defaultText === '' ? usage : `${usage} (default ${defaultText})`;
}
