import { ConfigError } from './config-error.ts';
import type { Flag } from './flag.ts';
import { flagsByName } from './flag-table.ts';
import { isBooleanWord } from './flag-value.ts';
import { FlagValues } from './flag-values.ts';

/** How the message about an unknown flag begins; the name follows. */
export const unknownFlagPrefix = 'flag provided but not defined: -';

/** What a command line says, before any of it is checked against the rest. */
export interface CommandLine {
  readonly values: FlagValues;
  /** -h or --help came before any error. */
  readonly help: boolean;
  /** The first word that is no flag and no flag's value; everything behind it was not read. */
  readonly positional: string | undefined;
  /** Flags that were given, in order, with repetitions. */
  readonly given: readonly Flag[];
}

/**
 * Reads arguments in Go's flag syntax: `-x v`, `--x v`, `-x=v`, `--x=v`; a boolean never takes the next word; reading
 * ends at `--` or at the first word that is no flag. Throws `ConfigError` "usage" in Go's words.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const values = new FlagValues();
  const given: Flag[] = [];
  let next = 0;
  for (;;) {
    const word = args[next];
    if (word === undefined || word === '-' || !word.startsWith('-')) {
      return { values, help: false, positional: word, given };
    }
    next += 1;
    if (word === '--') {
      return { values, help: false, positional: args[next], given };
    }
    const { name, text } = splitFlag(word);
    if (name === 'h' || name === 'help') {
      return { values, help: true, positional: undefined, given };
    }
    const flag = flagsByName.get(name);
    if (flag === undefined) {
      throw new ConfigError('usage', `${unknownFlagPrefix}${name}`);
    }
    given.push(flag);
    if (text !== undefined) {
      setFlag(values, flag, text);
    } else if (flag.kind === 'bool' || flag.support === 'legacy') {
      setFlag(values, flag, 'true');
    } else {
      const argument = args[next];
      if (argument === undefined) {
        throw new ConfigError('usage', `flag needs an argument: -${name}`);
      }
      next += 1;
      setFlag(values, flag, argument);
    }
  }
}

function splitFlag(word: string): { name: string; text: string | undefined } {
  const body = word.replace(/^--?/, '');
  if (body === '' || body.startsWith('-') || body.startsWith('=')) {
    throw new ConfigError('usage', `bad flag syntax: ${word}`);
  }
  const equals = body.indexOf('=');
  return equals < 0
    ? { name: body, text: undefined }
    : { name: body.slice(0, equals), text: body.slice(equals + 1) };
}

function setFlag(values: FlagValues, flag: Flag, text: string): void {
  if (flag.kind === 'bool' && !isBooleanWord(text)) {
    const quoted = JSON.stringify(text);
    throw new ConfigError(
      'usage',
      `invalid boolean value ${quoted} for -${flag.name}: parse error`,
    );
  }
  try {
    values.set(flag, text);
  } catch (error) {
    if (error instanceof ConfigError) {
      const quoted = JSON.stringify(text);
      const message = `invalid value ${quoted} for flag -${flag.name}: ${error.message}`;
      throw new ConfigError('usage', message);
    }
    throw error;
  }
}
