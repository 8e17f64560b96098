import { join } from 'node:path';

/** What `npm start` gives the server, and tells of it. */
export interface StartFlags {
  readonly flags: readonly string[];
  /** Undefined when the flags, the environment or a configuration file choose it. */
  readonly dataFolder: string | undefined;
  /** Where clients find the member. */
  readonly endpoint: string;
}

/**
 * Completes the flags that a user gave: the data goes to `data/<name>.etcd` below `root`, and clients are told to come
 * where the member listens.
 */
export function startFlags(
  given: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  root: string,
): StartFlags {
  const value = (name: string) => flagValue(given, name) ?? environment[variableOf(name)];
  const listen = value('listen-client-urls');
  const endpoint = (listen ?? 'http://localhost:2379').split(',')[0] ?? '';
  if (value('config-file') !== undefined) return { flags: given, dataFolder: undefined, endpoint };
  const added: string[] = [];
  let dataFolder: string | undefined;
  if (value('data-dir') === undefined) {
    dataFolder = join(root, 'data', `${value('name') ?? 'default'}.etcd`);
    added.push(`--data-dir=${dataFolder}`);
  }
  // Nobody can be sent to all addresses of a machine: there the server asks for the flag.
  if (
    listen !== undefined &&
    value('advertise-client-urls') === undefined &&
    !/\/\/(0\.0\.0\.0|\[::\])/.test(listen)
  ) {
    added.push(`--advertise-client-urls=${listen}`);
  }
  return { flags: [...added, ...given], dataFolder, endpoint };
}

/** Value of `--name VALUE` or `--name=VALUE`; undefined when the flag is not there. */
function flagValue(flags: readonly string[], name: string): string | undefined {
  const at = flags.findIndex((flag) => /^--?/.test(flag) && flag.replace(/^--?/, '') === name);
  if (at >= 0) return flags[at + 1];
  const assigned = flags.find((flag) => flag.replace(/^--?/, '').startsWith(`${name}=`));
  return assigned?.slice(assigned.indexOf('=') + 1);
}

function variableOf(name: string): string {
  return `ETCD_${name.toUpperCase().replaceAll('-', '_')}`;
}
