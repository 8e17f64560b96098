import type { Flag, FlagDefinitions } from './flag.ts';
import { quoted } from './go-number.ts';

/** A flag that does not exist or cannot have its value; the text is pflag's. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

/** Someone asked for help among the flags. */
export class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
}

/** Arguments, told from flags. */
export interface ParsedArguments {
  /** Values of the flags that were given. */
  readonly given: ReadonlyMap<string, unknown>;
  /** What is no flag. */
  readonly positional: readonly string[];
  /** How many of them stood before `--`; undefined without it. */
  readonly beforeDash: number | undefined;
}

/**
 * Tells flags from arguments as Go's pflag does: flags may stand anywhere before `--`, as `--name value`,
 * `--name=value`, `-n value`, `-nvalue` or `-n=value`; switches take a value only with `=`; letters may be joined.
 * Throws `FlagError` or `HelpRequest`.
 */
export function parseFlags(args: readonly string[], definitions: FlagDefinitions): ParsedArguments {
  const parser = new Parser(args, definitions);
  return parser.run();
}

class Parser {
  readonly #args: readonly string[];
  readonly #definitions: FlagDefinitions;
  readonly #given = new Map<string, unknown>();
  readonly #positional: string[] = [];
  #at = 0;

  constructor(args: readonly string[], definitions: FlagDefinitions) {
    this.#args = args;
    this.#definitions = definitions;
  }

  run(): ParsedArguments {
    let beforeDash: number | undefined;
    for (let arg = this.#next(); arg !== undefined; arg = this.#next()) {
      if (arg === '--') {
        beforeDash = this.#positional.length;
        this.#positional.push(...this.#args.slice(this.#at));
        break;
      }
      if (arg.startsWith('--')) this.#long(arg);
      else if (arg.startsWith('-') && arg !== '-') this.#short(arg);
      else this.#positional.push(arg);
    }
    return { given: this.#given, positional: this.#positional, beforeDash };
  }

  #next(): string | undefined {
    const arg = this.#args[this.#at];
    this.#at += 1;
    return arg;
  }

  #long(arg: string): void {
    const assigned = arg.indexOf('=');
    const name = assigned < 0 ? arg.slice(2) : arg.slice(2, assigned);
    if (name === '' || name.startsWith('-')) throw new FlagError(`bad flag syntax: ${arg}`);
    const flag = lookUp(this.#definitions, name);
    if (flag === undefined) {
      if (name === 'help') throw new HelpRequest();
      throw new FlagError(`unknown flag: --${name}`);
    }
    const text = assigned >= 0 ? arg.slice(assigned + 1) : (flag.impliedText ?? this.#next());
    if (text === undefined) throw new FlagError(`flag needs an argument: ${arg}`);
    this.#set(name, flag, text);
  }

  #short(arg: string): void {
    let rest = arg.slice(1);
    while (rest !== '') rest = this.#letter(rest);
  }

  /** Takes the first letter of joined ones, and its value if it wants one; gives back what is left of them. */
  #letter(letters: string): string {
    const letter = letters[0] ?? '';
    const found = byLetter(this.#definitions, letter);
    if (found === undefined) {
      if (letter === 'h') throw new HelpRequest();
      throw new FlagError(`unknown shorthand flag: '${letter}' in -${letters}`);
    }
    const [name, flag] = found;
    const after = letters.slice(1);
    const isAssigned = after.length > 1 && after[0] === '=';
    if (flag.impliedText !== undefined && !isAssigned) {
      this.#set(name, flag, flag.impliedText);
      return after;
    }
    const text = isAssigned ? after.slice(1) : after === '' ? this.#next() : after;
    if (text === undefined)
      throw new FlagError(`flag needs an argument: '${letter}' in -${letters}`);
    this.#set(name, flag, text);
    return '';
  }

  #set(name: string, flag: Flag<unknown>, text: string): void {
    try {
      this.#given.set(name, flag.parse(text, this.#given.get(name)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const label = flag.shorthand === undefined ? `--${name}` : `-${flag.shorthand}, --${name}`;
      throw new FlagError(`invalid argument ${quoted(text)} for "${label}" flag: ${reason}`);
    }
  }
}

function lookUp(definitions: FlagDefinitions, name: string): Flag<unknown> | undefined {
  return Object.hasOwn(definitions, name) ? definitions[name] : undefined;
}

/** A flag by its shorthand, with its name. */
export function byLetter(
  definitions: FlagDefinitions,
  letter: string,
): readonly [string, Flag<unknown>] | undefined {
  return Object.entries(definitions).find(([, flag]) => flag.shorthand === letter);
}
