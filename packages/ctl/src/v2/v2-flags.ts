import { parseBoolean, parseDurationMs, parseInt64, quoted } from '../flags/go-number.ts';

/** An option of etcdctl's v2 mode: with one or two dashes, its value behind `=` or in the next argument. */
export interface V2Flag<T> {
  /** As written, without dashes; help shows them in this order. */
  readonly names: readonly string[];
  readonly usage: string;
  /** What help calls the value; undefined for switches, which need none. */
  readonly placeholder: string | undefined;
  /** As help shows it; undefined where there is none to tell. */
  readonly defaultText: string | undefined;
  readonly defaultValue: T;
  /** Throws an Error for a text that is no value. */
  parse(text: string): T;
}

export function v2Switch(names: string, usage: string): V2Flag<boolean> {
  return {
    names: names.split(' '),
    usage,
    placeholder: undefined,
    defaultText: undefined,
    defaultValue: false,
    parse: parseBoolean,
  };
}

export function v2Text(
  names: string,
  usage: string,
  { placeholder = 'value', defaultText, defaultValue = '' }: Partial<V2Flag<string>> = {},
): V2Flag<string> {
  const parse = (text: string) => text;
  return { names: names.split(' '), usage, placeholder, defaultText, defaultValue, parse };
}

/** A whole number, 0 unless given. */
export function v2Integer(names: string, usage: string): V2Flag<bigint> {
  return {
    names: names.split(' '),
    usage,
    placeholder: 'value',
    defaultText: '0',
    defaultValue: 0n,
    parse: parseInt64,
  };
}

/** A duration such as `5s`, in ms. */
export function v2Duration(names: string, usage: string, defaultText: string): V2Flag<number> {
  return {
    names: names.split(' '),
    usage,
    placeholder: 'value',
    defaultText,
    defaultValue: parseDurationMs(defaultText),
    parse: parseDurationMs,
  };
}

/** Asks for help; every level of the command line has it. */
export const helpFlag = v2Switch('help h', 'show help');

/** What options were given. */
export class V2Values {
  readonly #given: ReadonlyMap<V2Flag<unknown>, unknown>;

  constructor(given: ReadonlyMap<V2Flag<unknown>, unknown>) {
    this.#given = given;
  }

  has(flag: V2Flag<unknown>): boolean {
    return this.#given.has(flag);
  }

  /** The last value that was given, or the default. */
  get<T>(flag: V2Flag<T>): T {
    return this.#given.has(flag) ? (this.#given.get(flag) as T) : flag.defaultValue;
  }
}

/** The command line is not as the options allow; the text is that of Go's flag package. */
export class V2FlagError extends Error {
  override readonly name = 'V2FlagError';
}

/** Reads options up to the first argument that is none, or up to `--`. Throws `V2FlagError`. */
export function parseV2Flags(
  args: readonly string[],
  flags: readonly V2Flag<unknown>[],
): { readonly values: V2Values; readonly rest: readonly string[] } {
  const byName = new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag])));
  const given = new Map<V2Flag<unknown>, unknown>();
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    if (word.length < 2 || !word.startsWith('-')) break;
    const { name, text } = cut(word);
    const flag = byName.get(name);
    if (flag === undefined) throw new V2FlagError(`flag provided but not defined: -${name}`);
    let value = text ?? (flag.placeholder === undefined ? 'true' : undefined);
    if (value === undefined) {
      at++;
      value = args[at];
    }
    if (value === undefined) throw new V2FlagError(`flag needs an argument: -${name}`);
    given.set(flag, parsedValue(flag, name, value));
  }
  return { values: new V2Values(given), rest: args.slice(at) };
}

/** `-name=text` or `--name=text`. */
function cut(word: string): { readonly name: string; readonly text: string | undefined } {
  const body = word.slice(word.startsWith('--') ? 2 : 1);
  if (body === '' || /^[-=]/.test(body)) throw new V2FlagError(`bad flag syntax: ${word}`);
  const equals = body.indexOf('=');
  if (equals < 0) return { name: body, text: undefined };
  return { name: body.slice(0, equals), text: body.slice(equals + 1) };
}

function parsedValue(flag: V2Flag<unknown>, name: string, text: string): unknown {
  try {
    return flag.parse(text);
  } catch (error) {
    const isRange = (error as Error).message.includes('value out of range');
    const reason = isRange ? 'value out of range' : 'parse error';
    const kind = flag.placeholder === undefined ? 'boolean value' : 'value';
    const where = flag.placeholder === undefined ? 'for' : 'for flag';
    throw new V2FlagError(`invalid ${kind} ${quoted(text)} ${where} -${name}: ${reason}`);
  }
}

/**
 * Options of a command may follow its arguments: from the first one on, all words up to `--` are put before the
 * arguments.
 */
export function flagsFirst(args: readonly string[]): readonly string[] {
  const dash = args.indexOf('--');
  const end = dash < 0 ? args.length : dash;
  const first = args.findIndex((word, at) => at < end && word !== '-' && word.startsWith('-'));
  if (first < 0) return args;
  return [...args.slice(first, end), ...args.slice(0, first), ...args.slice(end)];
}
