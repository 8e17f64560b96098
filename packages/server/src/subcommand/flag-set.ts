import { closest, distance } from 'fastest-levenshtein';
import { ConfigError } from '../config/config-error.ts';
import type { FlagKind, FlagValue } from '../config/flag.ts';
import { isBooleanWord, parseFlagText } from '../config/flag-value.ts';

/** One flag of a subcommand. */
export interface SubcommandFlag {
  /** Without dashes. */
  readonly name: string;
  readonly kind: Extract<FlagKind, 'text' | 'list' | 'bool' | 'int' | 'uint' | 'duration'>;
  /** In the text form a user would type. */
  readonly defaultText: string;
  readonly help: string;
  /** Largest accepted value of kinds `int` and `uint`. */
  readonly max?: number;
}

/**
 * The flags of a subcommand and what was given for them. Etcd reads those of `gateway` and `grpc-proxy` in another way
 * than a server's: `--name value` or `--name=value`, with two dashes, and no environment variables stand for them.
 */
export class FlagSet {
  readonly #flags: ReadonlyMap<string, SubcommandFlag>;
  readonly #given = new Map<string, FlagValue>();
  /** The first word that is no flag and no flag's value. */
  #positional: string | undefined;
  #wantsHelp = false;

  constructor(flags: readonly SubcommandFlag[]) {
    this.#flags = new Map(flags.map((flag) => [flag.name, flag]));
  }

  /** Takes the words of a command line. Throws `ConfigError` "usage". */
  parse(args: readonly string[]): void {
    const words = [...args];
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === '-h' || word === '--help') {
        this.#wantsHelp = true;
      } else if (word === '--') {
        this.#positional ??= words.shift();
        return;
      } else if (word.startsWith('--')) {
        this.#take(word, words);
      } else if (word.startsWith('-') && word !== '-') {
        throw new ConfigError('usage', `unknown shorthand flag: ${word}; flags have two dashes`);
      } else {
        this.#positional ??= word;
      }
    }
  }

  get positional(): string | undefined {
    return this.#positional;
  }

  get wantsHelp(): boolean {
    return this.#wantsHelp;
  }

  isGiven(name: string): boolean {
    return this.#given.has(name);
  }

  text(name: string): string {
    return this.#read(name, 'text') as string;
  }

  /** The non-empty words of a list. */
  list(name: string): string[] {
    const words = (this.#read(name, 'list') as string).split(',').map((word) => word.trim());
    return words.filter((word) => word !== '');
  }

  bool(name: string): boolean {
    return this.#read(name, 'bool') as boolean;
  }

  integer(name: string): number {
    return this.#read(name, 'int', 'uint') as number;
  }

  /** A duration in milliseconds, zero or more. Throws `ConfigError` "invalid" for a negative one. */
  durationMs(name: string): number {
    const ms = this.#read(name, 'duration') as number;
    if (ms < 0) throw new ConfigError('invalid', `--${name} must not be negative`);
    return ms;
  }

  #read(name: string, ...kinds: FlagKind[]): FlagValue {
    const flag = this.#flags.get(name);
    if (flag === undefined || !kinds.includes(flag.kind)) {
      throw new Error(`no flag ${name} of kind ${kinds.join(' or ')}`);
    }
    return this.#given.get(name) ?? valueFrom(flag, flag.defaultText);
  }

  #take(word: string, rest: string[]): void {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const flag = this.#flags.get(name);
    if (flag === undefined) {
      throw new ConfigError('usage', `unknown flag: --${name}${this.#suggestionFor(name)}`);
    }
    let text = equals < 0 ? undefined : word.slice(equals + 1);
    if (text === undefined) text = flag.kind === 'bool' ? 'true' : rest.shift();
    if (text === undefined) throw new ConfigError('usage', `flag needs an argument: --${name}`);
    this.#given.set(name, valueFrom(flag, text));
  }

  #suggestionFor(name: string): string {
    const nearest = closest(name, [...this.#flags.keys()]);
    // A third of the letters wrong is still a typing error; more is another word.
    const isNear = distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3));
    return isNear ? `; did you mean --${nearest}?` : '';
  }
}

function valueFrom(flag: SubcommandFlag, text: string): FlagValue {
  const { kind, name, max = Number.MAX_SAFE_INTEGER } = flag;
  const quoted = JSON.stringify(text);
  if (kind === 'bool' && !isBooleanWord(text)) {
    throw new ConfigError('usage', `invalid argument ${quoted} for "--${name}": true or false`);
  }
  try {
    return parseFlagText({ kind, max, choices: [] }, text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const advice =
      kind === 'duration' ? 'a duration is written like 500ms or 1m30s' : error.message;
    throw new ConfigError('usage', `invalid argument ${quoted} for "--${name}": ${advice}`);
  }
}
