/**
 * How the text of a flag is read. `urls` is a comma-separated list of URLs, `list` one of words; `duration` is Go's
 * notation; `choice` is one of `Flag.choices`.
 */
export type FlagKind = 'text' | 'list' | 'bool' | 'int' | 'uint' | 'duration' | 'urls' | 'choice';

/** Headings of the help text. */
export const flagGroups = [
  'Member',
  'Clustering',
  'Security',
  'Auth',
  'Profiling and Monitoring',
  'Logging',
  'Compaction',
  'Unsafe',
  'Kvorum',
] as const;

export type FlagGroup = (typeof flagGroups)[number];

/**
 * What becomes of a flag:
 * - `supported`: it does what it says;
 * - `unsupported`: etcd's, not built here yet; any value but the default is an error;
 * - `no-effect`: etcd's, tunes a part Kvorum does not have; accepted with a warning;
 * - `legacy`: etcd itself ignores it; accepted with a log line.
 */
export type FlagSupport = 'supported' | 'unsupported' | 'no-effect' | 'legacy';

/** One row of the flag table: all that parsing, environment, config file and help need to know. */
export interface Flag {
  /** Without dashes. The environment variable is derived from it: `data-dir` → `ETCD_DATA_DIR`. */
  readonly name: string;
  readonly kind: FlagKind;
  /** In the same text form a user would type. */
  readonly defaultText: string;
  readonly group: FlagGroup;
  readonly help: string;
  readonly support: FlagSupport;
  /** Key in the config file, dots for nesting; null when a file can't set it. */
  readonly fileKey: string | null;
  /** The accepted words of kind `choice`. */
  readonly choices: readonly string[];
  /** Largest accepted value of kinds `int` and `uint`. */
  readonly max: number;
}

/** A flag's value after parsing, by kind; see `parseFlagText`. */
export type FlagValue = string | number | boolean;

/** The environment variable that stands for a flag. */
export function environmentName(flag: Flag): string {
  return `ETCD_${flag.name.toUpperCase().replaceAll('-', '_')}`;
}
