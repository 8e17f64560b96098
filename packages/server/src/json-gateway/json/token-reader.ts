import { JsonError } from './json-error.ts';

export type TokenKind =
  | 'null'
  | 'bool'
  | 'number'
  | 'string'
  | '{'
  | '}'
  | '['
  | ']'
  /** The text is over. */
  | 'end';

/** U+FFFD stands where the bytes were no UTF-8. */
const REPLACEMENT = '\ufffd';
const SCALAR = /[-+.\w]+/y;

/**
 * Reads tokens of a JSON text whose syntax has been checked by `ValueScanner`; commas and colons are passed over.
 * Errors say line and column, in the words of etcd's parser.
 */
export class TokenReader {
  kind: TokenKind = 'end';
  /** Where the token begins. */
  start = 0;
  readonly #text: string;
  readonly #isUtf8: boolean;
  #pos = 0;

  /** `isUtf8`: nothing was replaced when the text was decoded. */
  constructor(text: string, isUtf8: boolean) {
    this.#text = text;
    this.#isUtf8 = isUtf8;
  }

  /** Goes to the next token. */
  next(): TokenKind {
    const text = this.#text;
    let pos = this.#pos;
    let code = text.charCodeAt(pos);
    // White space, comma, colon.
    while (code <= 0x20 || code === 0x2c || code === 0x3a) code = text.charCodeAt(++pos);
    this.start = pos;
    if (code === 0x22) {
      this.#pos = this.#stringEnd(pos);
      this.kind = 'string';
      this.#mustBeUtf8();
      return this.kind;
    }
    switch (text[pos]) {
      case undefined:
        this.#pos = pos;
        this.kind = 'end';
        break;
      case '{':
      case '}':
      case '[':
      case ']':
        this.#pos = pos + 1;
        this.kind = text[pos] as TokenKind;
        break;
      default:
        SCALAR.lastIndex = pos;
        SCALAR.exec(text);
        this.#pos = SCALAR.lastIndex;
        this.kind = code === 0x6e ? 'null' : code === 0x74 || code === 0x66 ? 'bool' : 'number';
    }
    return this.kind;
  }

  /** The token as it stands in the text; of a key together with what follows, that is without the colon. */
  get raw(): string {
    return this.#text.slice(this.start, this.#pos);
  }

  /** What a string token says. Throws `JsonError` for half a surrogate pair. */
  string(): string {
    const inner = this.#text.slice(this.start + 1, this.#pos - 1);
    if (!inner.includes('\\')) return inner;
    const value: string = JSON.parse(this.raw);
    if (!value.isWellFormed()) this.#refuseSurrogate();
    return value;
  }

  /** Passes over the value that comes next, however deep. Throws as `string`. */
  skip(): void {
    let depth = 0;
    do {
      const kind = this.next();
      if (kind === '{' || kind === '[') depth += 1;
      else if (kind === '}' || kind === ']') depth -= 1;
      else if (kind === 'string') this.string();
      else if (kind === 'end') return;
    } while (depth > 0);
  }

  /** The error of a token that can't stand where it does. */
  unexpected(): JsonError {
    return this.#syntaxError(this.start, `unexpected token ${this.raw}`);
  }

  /** An error with the position of a token in front. */
  errorAt(start: number, text: string): JsonError {
    return new JsonError(`proto: (${this.#position(start)}): ${text}`);
  }

  #stringEnd(start: number): number {
    const text = this.#text;
    for (let at = start + 1; ; ) {
      const quote = text.indexOf('"', at);
      let slashes = 0;
      while (text[quote - 1 - slashes] === '\\') slashes += 1;
      if (slashes % 2 === 0) return quote + 1;
      at = quote + 1;
    }
  }

  #mustBeUtf8(): void {
    if (this.#isUtf8 || !this.raw.includes(REPLACEMENT)) return;
    throw this.#syntaxError(this.start, 'invalid UTF-8 in string');
  }

  #refuseSurrogate(): never {
    const escapes = /\\(?:u([\da-f]{4})|.)/gi;
    escapes.lastIndex = 0;
    const { raw } = this;
    for (let match = escapes.exec(raw); match !== null; match = escapes.exec(raw)) {
      const unit = Number.parseInt(match[1] ?? '0', 16);
      if (unit < 0xd800 || unit > 0xdfff) continue;
      const after = escapes.lastIndex;
      const second = /^\\ud[c-f][\da-f]{2}/i.test(raw.slice(after, after + 6));
      if (unit < 0xdc00 && second) {
        escapes.lastIndex = after + 6;
        continue;
      }
      // etcd's parser looks at the six bytes that follow, wherever the string ends.
      const rest = this.#text.slice(this.start + after, this.start + after + 6);
      if (rest.length < 6) throw new JsonError('proto: unexpected EOF');
      throw this.#syntaxError(this.start, `invalid escape code ${JSON.stringify(rest)} in string`);
    }
    throw this.unexpected();
  }

  #syntaxError(start: number, text: string): JsonError {
    return new JsonError(`proto: syntax error (${this.#position(start)}): ${text}`);
  }

  #position(start: number): string {
    const before = this.#text.slice(0, start).split('\n');
    return `line ${before.length}:${[...(before.at(-1) ?? '')].length + 1}`;
  }
}
