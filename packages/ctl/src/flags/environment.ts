import type { Flag, FlagDefinitions } from './flag.ts';

/** What the environment says about flags. */
export interface EnvironmentReading {
  /** Values by flag name. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Variables with the prefix that mean nothing, as `NAME=value`. */
  readonly unrecognized: readonly string[];
  /** A variable whose flag was given as well; undefined when there is none. */
  readonly conflicting: string | undefined;
}

/** `ETCDCTL_DIAL_TIMEOUT` for `dial-timeout`. */
export function variableOf(prefix: string, flagName: string): string {
  return `${prefix}_${flagName.replaceAll('-', '_').toUpperCase()}`;
}

/**
 * Reads flags from variables. Empty ones count as unset; one whose value cannot be read is passed over, as in etcdctl.
 * `ignored` are variables that others read.
 */
export function readEnvironment(
  prefix: string,
  env: Readonly<Record<string, string | undefined>>,
  definitions: FlagDefinitions,
  given: ReadonlySet<string>,
  ignored: readonly string[] = [],
): EnvironmentReading {
  const values = new Map<string, unknown>();
  const used = new Set<string>(ignored);
  const shadowed = new Set<string>();
  for (const [name, flag] of Object.entries(definitions)) {
    const variable = variableOf(prefix, name);
    const text = env[variable] ?? '';
    if (given.has(name)) shadowed.add(variable);
    else if (text !== '') {
      used.add(variable);
      const value = maybeParse(flag, text);
      if (value !== undefined) values.set(name, value);
    }
  }
  const left = Object.entries(env).filter(
    ([name, value]) => value !== undefined && !used.has(name),
  );
  const unrecognized = left.filter(
    ([name]) => name.startsWith(`${prefix}_`) && !shadowed.has(name),
  );
  return {
    values,
    unrecognized: unrecognized.map(([name, value]) => `${name}=${value}`),
    conflicting: left.find(([name]) => shadowed.has(name))?.[0],
  };
}

function maybeParse(flag: Flag<unknown>, text: string): unknown {
  try {
    return flag.parse(text, undefined);
  } catch {
    return undefined;
  }
}
