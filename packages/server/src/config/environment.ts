import { ConfigError } from './config-error.ts';
import { environmentName } from './flag.ts';
import { flagTable } from './flag-table.ts';
import type { FlagValues } from './flag-values.ts';
import type { Notice } from './notice.ts';

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names with etcd's prefix that mean something else than a flag, so that nobody is warned about them. */
const notFlags = new Set(['ETCD_VERSION', 'ETCD_UNSUPPORTED_ARCH', 'ETCD_VERIFY']);

/**
 * Adds to `values` what ETCD_* variables say; an empty variable says nothing. Returns what is to be logged. Throws
 * `ConfigError` "invalid" for an unreadable value and for a variable whose flag is given as well.
 */
export function applyEnvironment(environment: Environment, values: FlagValues): Notice[] {
  const notices: Notice[] = [];
  const known = new Set(notFlags);
  for (const flag of flagTable) {
    const variable = environmentName(flag);
    const text = environment[variable] ?? '';
    known.add(variable);
    if (text === '' || notFlags.has(variable)) {
      continue;
    }
    if (values.isGiven(flag.name)) {
      const message =
        'conflicting environment variable is shadowed by corresponding command-line flag ' +
        '(either unset environment variable or disable flag))';
      throw new ConfigError('invalid', `${message}: ${variable}`);
    }
    try {
      values.set(flag, text);
    } catch (error) {
      if (error instanceof ConfigError) {
        const quoted = JSON.stringify(text);
        throw new ConfigError(
          'invalid',
          `invalid value ${quoted} for ${variable}: ${error.message}`,
        );
      }
      throw error;
    }
    notices.push({
      level: 'info',
      message: 'recognized and used environment variable',
      fields: { 'variable-name': variable, 'variable-value': text },
    });
  }
  return [...notices, ...unknownVariables(environment, known)];
}

function unknownVariables(environment: Environment, known: ReadonlySet<string>): Notice[] {
  const notices: Notice[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (variable === 'ETCD_VERSION') {
      notices.push({
        level: 'warn',
        message: 'ignoring environment variable ETCD_VERSION, which stands for no flag',
        fields: { 'variable-value': text },
      });
    } else if (variable.startsWith('ETCD_') && !known.has(variable)) {
      notices.push({
        level: 'warn',
        message: 'unrecognized environment variable',
        fields: { 'environment-variable': variable },
      });
    }
  }
  return notices;
}
