/** What Go's encoding/json says of a text that is no JSON; undefined for one that is. The text is one of bytes. */
export function goJsonFault(text: string): string | undefined {
  const scanner = new Scanner(text);
  try {
    scanner.document();
  } catch (fault) {
    if (fault instanceof Fault) return fault.message;
    throw fault;
  }
  return undefined;
}

class Fault extends Error {}

/** Where a space is a fault. */
const NO_SPACE = /^(?:in literal|in numeric|after decimal|in exponent|in string escape|in \\u)/;

/** Values may nest no deeper, as in Go. */
const MAX_DEPTH = 10_000;

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
  }

  /** Without recursion: what the client sends decides how deep it goes. */
  #value(): void {
    const open: ('{' | '[')[] = [];
    for (;;) {
      let isWhole = this.#beginValue(open);
      while (isWhole) {
        const container = open.at(-1);
        if (container === undefined) return;
        this.#space();
        const char = this.#text[this.#at];
        const end = container === '{' ? '}' : ']';
        if (char !== ',' && char !== end) {
          this.#fail(container === '{' ? 'after object key:value pair' : 'after array element');
        }
        this.#at++;
        if (char === end) open.pop();
        else {
          if (container === '{') this.#key();
          isWhole = false;
        }
      }
    }
  }

  /** Whether a whole value was read, rather than the beginning of one with values in it. */
  #beginValue(open: ('{' | '[')[]): boolean {
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{' || char === '[') {
      this.#at++;
      this.#space();
      const end = char === '{' ? '}' : ']';
      if (this.#text[this.#at] === end) {
        this.#at++;
        return true;
      }
      open.push(char);
      if (open.length > MAX_DEPTH) throw new Fault('exceeded max depth');
      if (char === '{') this.#key();
      return false;
    }
    if (char === '"') this.#string();
    else if (char === '-' || (char !== undefined && /[0-9]/.test(char))) this.#number();
    else if (char === 't') this.#literal('true');
    else if (char === 'f') this.#literal('false');
    else if (char === 'n') this.#literal('null');
    else this.#fail('looking for beginning of value');
    return true;
  }

  #key(): void {
    this.#space();
    if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string');
    this.#string();
    this.#space();
    if (this.#text[this.#at] !== ':') this.#fail('after object key');
    this.#at++;
  }

  #string(): void {
    for (this.#at++; ; this.#at++) {
      const char = this.#text[this.#at];
      if (char === '"') break;
      if (char === undefined || char < ' ') this.#fail('in string literal');
      if (char === '\\') this.#escape();
    }
    this.#at++;
  }

  #escape(): void {
    this.#at++;
    const char = this.#text[this.#at];
    if (char === undefined || !'bfnrt\\/"u'.includes(char)) this.#fail('in string escape code');
    if (char !== 'u') return;
    for (let i = 0; i < 4; i++) {
      this.#at++;
      const digit = this.#text[this.#at];
      if (digit === undefined || !/[0-9a-fA-F]/.test(digit)) {
        this.#fail('in \\u hexadecimal character escape');
      }
    }
  }

  #number(): void {
    if (this.#text[this.#at] === '-') this.#at++;
    if (this.#text[this.#at] === '0') this.#at++;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (!/[eE]/.test(this.#text[this.#at] ?? '')) return;
    this.#at++;
    if (/[+-]/.test(this.#text[this.#at] ?? '')) this.#at++;
    this.#digits('in exponent of numeric literal');
  }

  #digits(where: string): void {
    if (!/[0-9]/.test(this.#text[this.#at] ?? '')) this.#fail(where);
    while (/[0-9]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #literal(word: string): void {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) {
        this.#fail(`in literal ${word} (expecting '${letter}')`);
      }
      this.#at++;
    }
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #fail(where: string): never {
    // Go takes the end for a space, and tells of that where no space may be.
    const char = this.#text[this.#at] ?? ' ';
    const isEnd = this.#at >= this.#text.length;
    if (isEnd && !NO_SPACE.test(where)) throw new Fault('unexpected end of JSON input');
    throw new Fault(`invalid character ${quoted(char)} ${where}`);
  }
}

/** A byte as Go quotes a character. */
function quoted(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return `'"'`;
  const code = char.charCodeAt(0);
  const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
  if (short[char] !== undefined) return `'${short[char]}'`;
  if (code < 0x20 || code === 0x7f) return `'\\x${code.toString(16).padStart(2, '0')}'`;
  return `'${char}'`;
}
