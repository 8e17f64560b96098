import { type EndpointUrl, parseEndpointUrls } from './endpoint-url.ts';
import type { Flag, FlagKind, FlagValue } from './flag.ts';
import { flagsByName } from './flag-table.ts';
import { parseFlagText } from './flag-value.ts';

/**
 * The values of all flags from one source (command line with environment, or config file), defaults behind them.
 * Readers name the flag and its kind; a mismatch with the table is a bug in this package and throws a plain Error.
 */
export class FlagValues {
  readonly #given = new Map<string, FlagValue>();

  /** Takes the text given for a flag; a later text wins. Throws `ConfigError` "invalid" with the bare reason. */
  set(flag: Flag, text: string): void {
    this.#given.set(flag.name, parseFlagText(flag, text));
  }

  /** Whether the flag was given explicitly, even with its default value. */
  isGiven(name: string): boolean {
    return this.#given.has(name);
  }

  /** Whether the flag was given a value other than its default. */
  differsFromDefault(flag: Flag): boolean {
    const value = this.#given.get(flag.name);
    return value !== undefined && value !== parseFlagText(flag, flag.defaultText);
  }

  text(name: string): string {
    return this.#read(name, 'text') as string;
  }

  bool(name: string): boolean {
    return this.#read(name, 'bool') as boolean;
  }

  /** An `int` or `uint`. */
  integer(name: string): number {
    return this.#read(name, 'int', 'uint') as number;
  }

  /** A duration in milliseconds, possibly fractional. */
  durationMs(name: string): number {
    return this.#read(name, 'duration') as number;
  }

  /** The non-empty words of a list. */
  list(name: string): string[] {
    const words = (this.#read(name, 'list') as string).split(',').map((word) => word.trim());
    return words.filter((word) => word !== '');
  }

  /** One of the flag's choices; `choices` repeats them for the type and must be a subset of the table's. */
  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.#read(name, 'choice');
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) {
      throw new Error(`flag ${name} has the unlisted choice ${String(value)}`);
    }
    return choice;
  }

  /** The URLs of a list, sorted by text; empty when the flag is. */
  urls(name: string): EndpointUrl[] {
    const text = this.#read(name, 'urls') as string;
    return text === '' ? [] : parseEndpointUrls(text);
  }

  #read(name: string, ...kinds: FlagKind[]): FlagValue {
    const flag = flagsByName.get(name);
    if (flag === undefined || !kinds.includes(flag.kind)) {
      throw new Error(`no flag ${name} of kind ${kinds.join(' or ')}`);
    }
    return this.#given.get(name) ?? parseFlagText(flag, flag.defaultText);
  }
}
