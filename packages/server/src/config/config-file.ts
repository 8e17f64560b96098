import { ConfigError } from './config-error.ts';
import type { Flag } from './flag.ts';
import { flagTable } from './flag-table.ts';
import { FlagValues } from './flag-values.ts';
import type { Notice } from './notice.ts';

/** What a config file says, and what is to be logged about it. */
export interface ConfigFile {
  readonly values: FlagValues;
  readonly notices: readonly Notice[];
}

/**
 * Takes a parsed YAML or JSON document: keys as in the flag table, durations as integers in nanoseconds, URL lists as
 * comma-separated strings. Unknown keys are only noticed. Throws `ConfigError` "invalid", which names the key.
 */
export function readConfigDocument(document: unknown): ConfigFile {
  const values = new FlagValues();
  const leaves = new Map<string, unknown>();
  if (document !== null && document !== undefined) {
    if (!isMapping(document)) {
      throw new ConfigError('invalid', 'the configuration file must contain a mapping of keys');
    }
    collectLeaves(document, '', leaves);
  }
  for (const flag of flagTable) {
    const value = flag.fileKey === null ? undefined : leaves.get(flag.fileKey);
    if (flag.fileKey === null || value === undefined) {
      continue;
    }
    leaves.delete(flag.fileKey);
    if (value !== null) {
      setFromFile(values, flag, value);
    }
  }
  const notices = [...leaves.keys()].map((key): Notice => {
    return {
      level: 'warn',
      message: 'ignoring unknown key in the configuration file',
      fields: { key },
    };
  });
  return { values, notices };
}

function setFromFile(values: FlagValues, flag: Flag, value: unknown): void {
  try {
    values.set(flag, textOf(flag, value));
  } catch (error) {
    if (error instanceof ConfigError) {
      const shown = JSON.stringify(value);
      const message = `invalid value ${shown} for key ${flag.fileKey}: ${error.message}`;
      throw new ConfigError('invalid', message);
    }
    throw error;
  }
}

/** The flag's text form of a value, after a check that the file uses the type etcd wants there. */
function textOf(flag: Flag, value: unknown): string {
  switch (flag.kind) {
    case 'bool':
      return requireType(typeof value === 'boolean', value, 'true or false');
    case 'int':
    case 'uint':
      return requireType(Number.isInteger(value), value, 'an integer');
    case 'duration':
      return `${requireType(Number.isInteger(value), value, 'an integer in nanoseconds')}ns`;
    default:
      return Array.isArray(value)
        ? value.map(String).join(',')
        : requireType(typeof value !== 'object', value, 'a string');
  }
}

function requireType(holds: boolean, value: unknown, wanted: string): string {
  if (!holds) {
    throw new ConfigError('invalid', `expected ${wanted}`);
  }
  return String(value);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function collectLeaves(
  mapping: Record<string, unknown>,
  prefix: string,
  leaves: Map<string, unknown>,
): void {
  for (const [key, value] of Object.entries(mapping)) {
    if (isMapping(value)) {
      collectLeaves(value, `${prefix}${key}.`, leaves);
    } else {
      leaves.set(`${prefix}${key}`, value);
    }
  }
}
