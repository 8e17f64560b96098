import { ConfigError } from '../config/config-error.ts';

/** What `kvorum dev-cluster` was asked for. */
export interface DevClusterOptions {
  readonly help: boolean;
  /** Members, 1 to 6. */
  readonly nodes: number;
  /** First of the ports; undefined for those of etcd's Procfile. */
  readonly basePort: number | undefined;
  readonly dataDir: string;
  /** Forget what the members knew. */
  readonly fresh: boolean;
  /** More flags for every member: all that follows `--`. */
  readonly memberFlags: readonly string[];
}

/** Six have client ports in etcd's scheme (2379, 22379, ... 62379), and a digit each. */
const MAX_NODES = 6;
/** Room for the ports of six members behind the first. */
const MAX_BASE_PORT = 65_400;

/** How the command is called. */
export const devClusterUsage = `Usage:

  kvorum dev-cluster [--nodes 3] [--base-port PORT] [--data-dir DIR] [--fresh] [-- MEMBER FLAGS]
    Start a cluster on this machine, to try things out. Ctrl-C stops it.

  --nodes 3
    How many members, 1 to ${MAX_NODES}.
  --base-port PORT
    Ports PORT, PORT+10, ... for clients, the two behind each for the members. Default: 2379, 22379, 32379, ...
  --data-dir data/dev-cluster
    Where the members keep their data from one run to the next.
  --fresh
    Empty the data directory first.

On a terminal: a digit chooses a member, then k kills, r restarts, p pauses, i isolates it; l shows who leads.
`;

/** Reads the words behind `dev-cluster`. Throws `ConfigError` "usage". */
export function parseDevClusterOptions(args: readonly string[]): DevClusterOptions {
  const end = args.indexOf('--');
  const words = (end < 0 ? args : args.slice(0, end)).flatMap(splitAtEquals);
  const options = {
    help: false,
    nodes: 3,
    basePort: undefined as number | undefined,
    dataDir: 'data/dev-cluster',
    fresh: false,
    memberFlags: end < 0 ? [] : args.slice(end + 1),
  };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--nodes') {
      options.nodes = numberOf(word, words.shift(), 1, MAX_NODES);
    } else if (word === '--base-port') {
      options.basePort = numberOf(word, words.shift(), 1, MAX_BASE_PORT);
    } else if (word === '--data-dir') {
      options.dataDir = textOf(word, words.shift());
    } else if (word === '--fresh') {
      options.fresh = true;
    } else if (word === '--help' || word === '-h') {
      options.help = true;
    } else {
      throw new ConfigError('usage', `dev-cluster does not know ${word}`);
    }
  }
  return options;
}

function splitAtEquals(word: string): string[] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}

function textOf(flag: string, text: string | undefined): string {
  if (text === undefined || text === '') {
    throw new ConfigError('usage', `${flag} needs a value`);
  }
  return text;
}

function numberOf(flag: string, text: string | undefined, min: number, max: number): number {
  const given = textOf(flag, text);
  const value = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ConfigError('usage', `${flag} takes a number from ${min} to ${max}, not "${given}"`);
}
