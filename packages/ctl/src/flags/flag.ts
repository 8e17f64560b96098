import { parseBoolean, parseDecimalUint64, parseDurationMs, parseInt64 } from './go-number.ts';

/** One flag of a command, by what it takes. */
export interface Flag<T> {
  /** What help calls the value: `string`, `int`; empty for switches. */
  readonly valueName: string;
  readonly usage: string;
  readonly defaultValue: T;
  /** As help shows it; empty where the default is nothing worth telling. */
  readonly defaultText: string;
  /** One letter, for `-x`. */
  readonly shorthand?: string;
  /** What the flag means without a value; undefined where it needs one. */
  readonly impliedText?: string;
  /** The value of a text, after `earlier` ones of the same flag. Throws an Error with Go's words. */
  parse(text: string, earlier: T | undefined): T;
}

/** Flags by name. */
export type FlagDefinitions = Readonly<Record<string, Flag<unknown>>>;

/** The values of flags, by name. */
export type FlagValues<F extends FlagDefinitions> = {
  readonly [N in keyof F]: F[N] extends Flag<infer T> ? T : never;
};

/** A switch: alone it means true. */
export function booleanFlag(
  usage: string,
  defaultValue = false,
  shorthand?: string,
): Flag<boolean> {
  return {
    valueName: '',
    usage,
    defaultValue,
    defaultText: defaultValue ? 'true' : '',
    impliedText: 'true',
    parse: parseBoolean,
    ...(shorthand === undefined ? {} : { shorthand }),
  };
}

export function stringFlag(usage: string, defaultValue = '', shorthand?: string): Flag<string> {
  return {
    valueName: 'string',
    usage,
    defaultValue,
    defaultText: defaultValue === '' ? '' : `"${defaultValue}"`,
    parse: (text) => text,
    ...(shorthand === undefined ? {} : { shorthand }),
  };
}

/** A whole number that fits 64 bits. */
export function integerFlag(usage: string, defaultValue = 0n): Flag<bigint> {
  return {
    valueName: 'int',
    usage,
    defaultValue,
    defaultText: defaultValue === 0n ? '' : String(defaultValue),
    parse: parseInt64,
  };
}

/** A whole number from 0 on. */
export function unsignedFlag(usage: string, defaultValue = 0n): Flag<bigint> {
  return {
    valueName: 'uint',
    usage,
    defaultValue,
    defaultText: defaultValue === 0n ? '' : String(defaultValue),
    parse: parseDecimalUint64,
  };
}

/** A duration such as `5s`, in ms. */
export function durationFlag(usage: string, defaultText: string): Flag<number> {
  return {
    valueName: 'duration',
    usage,
    defaultValue: parseDurationMs(defaultText),
    defaultText,
    parse: parseDurationMs,
  };
}

/** Values with commas between them, given once or several times. */
export function listFlag(
  usage: string,
  defaultValue: readonly string[] = [],
): Flag<readonly string[]> {
  return {
    valueName: 'strings',
    usage,
    defaultValue,
    defaultText: defaultValue.length === 0 ? '' : `[${defaultValue.join(',')}]`,
    parse: (text, earlier) => [...(earlier ?? []), ...(text === '' ? [] : text.split(','))],
  };
}
