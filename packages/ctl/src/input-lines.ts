import { ExitError, exitCodes } from './exit-error.ts';
import type { Input } from './host.ts';
import { textOfBytes } from './output/byte-text.ts';

/** Reads standard input line by line, no further than asked for. */
export class InputLines {
  readonly #bytes: AsyncIterator<Uint8Array>;
  readonly #takesLastLine: boolean;
  #rest: Buffer = Buffer.alloc(0);

  /** `takesLastLine`: what follows the last end of a line is one, too. By default it is passed over, as in etcdctl. */
  constructor(input: Input, options: { readonly takesLastLine?: boolean } = {}) {
    this.#bytes = input.bytes[Symbol.asyncIterator]();
    this.#takesLastLine = options.takesLastLine ?? false;
  }

  /** The next line without its end; undefined at the end of the input. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return textOfBytes(line);
      }
      const more = await this.#bytes.next();
      if (more.done === true) return this.#last();
      this.#rest = Buffer.concat([this.#rest, more.value]);
    }
  }

  #last(): string | undefined {
    if (!this.#takesLastLine || this.#rest.length === 0) return undefined;
    const line = textOfBytes(this.#rest);
    this.#rest = Buffer.alloc(0);
    return line;
  }

  /** As `next`, but the end of the input is an error. Rejects with `ExitError`. */
  async mustNext(): Promise<string> {
    const line = await this.next();
    if (line === undefined) throw new ExitError(exitCodes.invalidInput, 'EOF');
    return line;
  }
}

/** The words of a line, with quotes as in etcdctl's interactive commands. Throws `ExitError`. */
export function splitWords(
  line: string,
  unquote: (quoted: string) => string | undefined,
): string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*[^'"\s]?/gs) ?? [];
  return words.map((word) => {
    if (word.startsWith("'")) return word.slice(1, -1);
    if (!word.startsWith('"')) return word;
    const text = unquote(word);
    if (text === undefined) throw new ExitError(exitCodes.invalidInput, 'invalid syntax');
    return text;
  });
}
