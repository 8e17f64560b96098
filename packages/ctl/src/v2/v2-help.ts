import type { V2Command } from './v2-command.ts';
import { helpFlag, type V2Flag } from './v2-flags.ts';

// Help as etcdctl's v2 mode lays it out, white space at line ends included: scripts compare it.

/** What the program can do. */
export function programHelp(
  version: string,
  commands: readonly V2Command[],
  globals: readonly V2Flag<unknown>[],
): string {
  return `NAME:
   etcdctl - A simple command line client for etcd.

USAGE:
   etcdctl [global options] command [command options] [arguments...]

VERSION:
   ${version}

COMMANDS:
${indented([...commandRows(commands), ['help, h', 'Shows a list of commands or help for one command']])}

GLOBAL OPTIONS:
${indented(globals.map(optionRow))}
`;
}

/** What `help` says of a group: only the group's own command has all of it. */
export function briefHelp({ name, usage, argsUsage }: V2Command): string {
  return `NAME:
   etcdctl ${name} - ${usage}

USAGE:
   etcdctl ${name} ${argsUsage}
`;
}

/** What one command takes. The path is what leads to it, itself included. */
export function commandHelp(path: readonly V2Command[]): string {
  const command = path.at(-1) as V2Command;
  const fullName = ['etcdctl', ...path.map(({ name }) => name)].join(' ');
  const { subcommands, flags = [] } = command;
  if (subcommands !== undefined) {
    return `NAME:
   ${fullName} - ${command.usage}

USAGE:
   ${fullName} command [command options] ${command.argsUsage}

COMMANDS:
${indented(commandRows(subcommands))}

OPTIONS:
${indented([optionRow(helpFlag)])}
   
`;
  }
  const options = flags.length > 0 ? ' [command options]' : '';
  const use = command.usageText ?? `${fullName}${options} ${command.argsUsage}`;
  const description =
    command.description === undefined ? '' : `\nDESCRIPTION:\n   ${command.description}\n`;
  const list = flags.length === 0 ? '' : `\nOPTIONS:\n${indented(flags.map(optionRow))}\n   \n`;
  return `NAME:
   ${fullName} - ${command.usage}

USAGE:
   ${use}
${description}${list}`;
}

function commandRows(commands: readonly V2Command[]): readonly (readonly [string, string])[] {
  return commands.map(({ name, usage }) => [name, usage]);
}

function optionRow(flag: V2Flag<unknown>): readonly [string, string] {
  const { names, placeholder, defaultText, usage } = flag;
  const value = placeholder === undefined ? '' : ` ${placeholder}`;
  const forms = names.map((name) => `${name.length === 1 ? '-' : '--'}${name}${value}`);
  return [
    forms.join(', '),
    defaultText === undefined ? usage : `${usage} (default: ${defaultText})`,
  ];
}

/** Two columns. */
function indented(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `   ${left.padEnd(width)}${right}`).join('\n');
}
