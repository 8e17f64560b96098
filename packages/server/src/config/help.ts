import { type Flag, flagGroups } from './flag.ts';
import { flagTable } from './flag-table.ts';

/** How the command is called; goes to stderr with every usage error, too. */
export const usageText = `Usage:

  etcd [flags]
    Start a Kvorum server, which speaks etcd's API.

  kvorum dev-cluster [--nodes 3]
    Start several servers on this machine as a cluster, to try things out; dev-cluster --help tells more.

  kvorum gateway start [flags]
    Pass TCP connections on to the members of a cluster that can be reached; gateway --help tells more.

  kvorum grpc-proxy start [flags]
    Serve etcd's API for the members of a cluster; grpc-proxy --help tells more.

  kvorum discovery start [flags]
    Give out tokens by which founding members find each other with --discovery; discovery --help tells more.

  etcd --version
    Show the version.

  etcd -h | --help
    Show this help.

  etcd --config-file
    Path to the server configuration file. Note that if a configuration file is provided, other command line flags
    and environment variables will be ignored.
`;

/** The text of --help: all flags that do something, by group, then the names of those that are refused. */
export function helpText(): string {
  const sections = flagGroups.flatMap((group) => {
    const flags = flagTable.filter((flag) => flag.group === group && flag.support === 'supported');
    return flags.length === 0 ? [] : [`${group}:\n${flags.map(describe).join('')}`];
  });
  const refused = flagTable.filter((flag) => flag.support === 'unsupported');
  const names = wrap(refused.map((flag) => `--${flag.name}`));
  return `${sections.join('\n')}\nNot supported yet (only their defaults are accepted):\n${names}`;
}

/** Answers --help: the usage goes to one stream and the flags to the other, as with etcd. */
export function printHelp(
  usage: { write(text: string): unknown },
  flags: { write(text: string): unknown },
): void {
  usage.write(`${usageText}\n`);
  flags.write(helpText());
}

function describe(flag: Flag): string {
  return `  --${flag.name} '${flag.defaultText}'\n    ${flag.help}\n`;
}

function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  let line = ' ';
  for (const word of words) {
    if (line.length + 1 + word.length > 100) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return `${[...lines, line].join('\n')}\n`;
}
