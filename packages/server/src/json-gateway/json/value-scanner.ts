import { BodyTooLargeError, JsonError } from './json-error.ts';

/** What may come next. */
type State =
  | 'value'
  | 'value or ]'
  | 'key'
  | 'key or }'
  | 'after value'
  | 'string'
  | 'escape'
  | 'hex'
  | 'minus'
  | 'zero'
  | 'integer'
  | 'point'
  | 'fraction'
  | 'e'
  | 'exponent sign'
  | 'exponent'
  | 'literal';

/** What an opened bracket waits for: `key` is a key's colon, `member` the comma or brace behind a value. */
type Level = 'key' | 'member' | 'element';

/** Deeper nesting is refused, as by etcd's parser; nothing in the API nests like that. */
const MAX_DEPTH = 10_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };

/** What is wrong in the middle of a number. */
const numberFaults: Partial<Record<State, string>> = {
  minus: 'in numeric literal',
  point: 'after decimal point in numeric literal',
  e: 'in exponent of numeric literal',
  'exponent sign': 'in exponent of numeric literal',
};

/**
 * Cuts a stream of bytes into JSON values, whatever the pieces in which it comes: a request is one value, a stream of
 * requests any number, with white space between them or not. Checks the syntax on the way, byte by byte, and says what
 * is wrong in the words of Go's parser, which is etcd's.
 */
export class ValueScanner {
  readonly #maxBytes: number;
  #piece: Uint8Array = new Uint8Array(0);
  #pos = 0;
  /** Where the value begins in the piece; -1 between values. */
  #start = -1;
  /** What came of it in earlier pieces. */
  #earlier: Uint8Array[] = [];
  #earlierBytes = 0;
  #state: State = 'value';
  readonly #levels: Level[] = [];
  #hexLeft = 0;
  #literal = '';
  #matched = 0;

  /** Values beyond `maxBytes` end in `BodyTooLargeError`. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** More bytes; all of those before must have been taken by `next`. They are borrowed until then. */
  push(piece: Uint8Array): void {
    this.#piece = piece;
    this.#pos = 0;
    if (this.#start >= 0) this.#start = 0;
  }

  /**
   * The next whole value, or undefined when more bytes are needed. Throws `JsonError` at the byte that is wrong;
   * nothing can be read after that.
   */
  next(): Uint8Array | undefined {
    while (this.#pos < this.#piece.length) {
      if (this.#state === 'string' && !this.#skipPlain()) break;
      const byte = this.#piece[this.#pos] as number;
      if (this.#start < 0) {
        if (isSpace(byte)) {
          this.#pos++;
          continue;
        }
        this.#start = this.#pos;
      }
      const isTaken = this.#step(byte);
      if (isTaken) this.#pos++;
      if (this.#levels.length === 0 && this.#state === 'after value') return this.#take();
    }
    this.#keep();
    return undefined;
  }

  /** The stream has ended: what is left is a number, nothing, or cut off, which throws `JsonError`. */
  end(): Uint8Array | undefined {
    if (this.#start < 0) return undefined;
    const { levels, state } = { levels: this.#levels, state: this.#state };
    const isNumber =
      state === 'zero' || state === 'integer' || state === 'fraction' || state === 'exponent';
    if (levels.length === 0 && isNumber) return this.#take();
    throw new JsonError('unexpected EOF');
  }

  /** Passes over the plain bytes of a string; false when the piece ended in them. */
  #skipPlain(): boolean {
    const piece = this.#piece;
    let at = this.#pos;
    for (; at < piece.length; at++) {
      const byte = piece[at] as number;
      if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break;
    }
    this.#pos = at;
    return at < piece.length;
  }

  #keep(): void {
    if (this.#start < 0) return;
    // A copy: the piece may be a part of a buffer that the transport uses again.
    const rest = this.#piece.slice(this.#start);
    this.#earlierBytes += rest.length;
    if (this.#earlierBytes > this.#maxBytes) throw new BodyTooLargeError();
    this.#earlier.push(rest);
    this.#piece = new Uint8Array(0);
    this.#pos = 0;
    this.#start = 0;
  }

  #take(): Uint8Array {
    const rest = this.#piece.subarray(this.#start, this.#pos);
    if (this.#earlierBytes + rest.length > this.#maxBytes) throw new BodyTooLargeError();
    const value = this.#earlier.length === 0 ? rest : Buffer.concat([...this.#earlier, rest]);
    this.#earlier = [];
    this.#earlierBytes = 0;
    this.#start = -1;
    this.#state = 'value';
    return value;
  }

  /** Takes a byte; false when it belongs to what follows, which is looked at again. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case 'value':
      case 'value or ]':
        return this.#value(byte);
      case 'key':
      case 'key or }':
        return this.#key(byte);
      case 'after value':
        return this.#afterValue(byte);
      case 'string':
        return this.#inString(byte);
      case 'escape':
        return this.#escape(byte);
      case 'hex':
        return this.#hex(byte);
      case 'literal':
        return this.#inLiteral(byte);
      default:
        return this.#number(byte);
    }
  }

  #value(byte: number): boolean {
    if (isSpace(byte)) return true;
    const char = String.fromCharCode(byte);
    if (char === ']' && this.#state === 'value or ]') return this.#close();
    if (char === '{') return this.#open('key', 'key or }');
    if (char === '[') return this.#open('element', 'value or ]');
    const literal = literals[char];
    if (literal !== undefined) {
      this.#literal = literal;
      this.#matched = 1;
      this.#state = 'literal';
    } else if (char === '"') this.#state = 'string';
    else if (char === '-') this.#state = 'minus';
    else if (char === '0') this.#state = 'zero';
    else if (isDigit(byte)) this.#state = 'integer';
    else throw unexpected(byte, 'looking for beginning of value');
    return true;
  }

  #open(level: Level, state: State): boolean {
    if (this.#levels.length >= MAX_DEPTH) throw new JsonError('exceeded max depth');
    this.#levels.push(level);
    this.#state = state;
    return true;
  }

  #close(): boolean {
    this.#levels.pop();
    this.#state = 'after value';
    return true;
  }

  #key(byte: number): boolean {
    if (isSpace(byte)) return true;
    if (byte === QUOTE) {
      this.#state = 'string';
      return true;
    }
    if (this.#state === 'key or }' && byte === 0x7d) return this.#close();
    throw unexpected(byte, 'looking for beginning of object key string');
  }

  #afterValue(byte: number): boolean {
    if (isSpace(byte)) return true;
    const char = String.fromCharCode(byte);
    const top = this.#levels.length - 1;
    switch (this.#levels[top]) {
      case 'key':
        if (char !== ':') throw unexpected(byte, 'after object key');
        this.#levels[top] = 'member';
        this.#state = 'value';
        return true;
      case 'member':
        if (char === '}') return this.#close();
        if (char !== ',') throw unexpected(byte, 'after object key:value pair');
        this.#levels[top] = 'key';
        this.#state = 'key';
        return true;
      default:
        if (char === ']') return this.#close();
        if (char !== ',') throw unexpected(byte, 'after array element');
        this.#state = 'value';
        return true;
    }
  }

  #inString(byte: number): boolean {
    if (byte === QUOTE) this.#state = 'after value';
    else if (byte === BACKSLASH) this.#state = 'escape';
    else throw unexpected(byte, 'in string literal');
    return true;
  }

  #escape(byte: number): boolean {
    if (byte === 0x75) {
      this.#hexLeft = 4;
      this.#state = 'hex';
    } else if ('bfnrt\\/"'.includes(String.fromCharCode(byte))) this.#state = 'string';
    else throw unexpected(byte, 'in string escape code');
    return true;
  }

  #hex(byte: number): boolean {
    if (!/[0-9a-f]/i.test(String.fromCharCode(byte))) {
      throw unexpected(byte, 'in \\u hexadecimal character escape');
    }
    this.#hexLeft -= 1;
    if (this.#hexLeft === 0) this.#state = 'string';
    return true;
  }

  #inLiteral(byte: number): boolean {
    const expected = this.#literal.charAt(this.#matched);
    if (byte !== expected.charCodeAt(0)) {
      throw unexpected(byte, `in literal ${this.#literal} (expecting ${quote(expected)})`);
    }
    this.#matched += 1;
    if (this.#matched === this.#literal.length) this.#state = 'after value';
    return true;
  }

  #number(byte: number): boolean {
    const next = numberState(this.#state, byte);
    if (next !== undefined) {
      this.#state = next;
      return true;
    }
    const fault = numberFaults[this.#state];
    if (fault !== undefined) throw unexpected(byte, fault);
    this.#state = 'after value';
    return false;
  }
}

/** Where a byte leads from within a number; undefined: it isn't part of one. */
function numberState(state: State, byte: number): State | undefined {
  const char = String.fromCharCode(byte);
  const isExponent = char === 'e' || char === 'E';
  switch (state) {
    case 'minus':
      return char === '0' ? 'zero' : isDigit(byte) ? 'integer' : undefined;
    case 'zero':
    case 'integer':
      if (state === 'integer' && isDigit(byte)) return 'integer';
      return char === '.' ? 'point' : isExponent ? 'e' : undefined;
    case 'point':
    case 'fraction':
      if (isDigit(byte)) return 'fraction';
      return state === 'fraction' && isExponent ? 'e' : undefined;
    case 'e':
      if (char === '+' || char === '-') return 'exponent sign';
      return isDigit(byte) ? 'exponent' : undefined;
    default:
      return isDigit(byte) ? 'exponent' : undefined;
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function unexpected(byte: number, context: string): JsonError {
  return new JsonError(`invalid character ${quote(String.fromCharCode(byte))} ${context}`);
}

/** A character as Go quotes it. */
function quote(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return `'"'`;
  const escapes: Readonly<Record<string, string>> = {
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
    '\\': '\\\\',
  };
  const code = char.charCodeAt(0);
  const hex = code.toString(16).padStart(code < 0x80 ? 2 : 4, '0');
  const isPlain = code >= SPACE && code !== 0x7f && (code < 0x80 || code > 0xa0) && code !== 0xad;
  return `'${escapes[char] ?? (isPlain ? char : code < 0x80 ? `\\x${hex}` : `\\u${hex}`)}'`;
}
