/**
 * The same text with comments and the insides of strings turned into spaces, so that a search finds code
 * only. Offsets and line breaks stay. Good for sources that a formatter has seen; it is no parser: a regular
 * expression is told from a division by what stands before it.
 */
export function blankNonCode(text: string): string {
  const scanner = new Scanner(text);
  while (scanner.at < text.length) scanner.step();
  return scanner.result();
}

/** The same text with comments alone turned into spaces. */
export function blankComments(text: string): string {
  const scanner = new Scanner(text, false);
  while (scanner.at < text.length) scanner.step();
  return scanner.result();
}

class Scanner {
  at = 0;
  readonly #text: string;
  readonly #blankStrings: boolean;
  readonly #out: string[] = [];
  /** For each `${` that is open: how many braces are open inside it. */
  readonly #templates: number[] = [];
  /** Last character of code that is no space, and the word it ends. */
  #previous = '';
  #word = '';

  constructor(text: string, blankStrings = true) {
    this.#text = text;
    this.#blankStrings = blankStrings;
  }

  result(): string {
    return this.#out.join('');
  }

  step(): void {
    const rest = this.#text.slice(this.at, this.at + 2);
    const character = rest[0] ?? '';
    if (rest === '//') this.#blankTo(this.#indexOf('\n', this.at));
    else if (rest === '/*') this.#blankTo(this.#indexOf('*/', this.at + 2) + 2);
    else if (character === "'" || character === '"') this.#string(character);
    else if (character === '`') this.#template();
    else if (character === '}' && this.#templates.at(-1) === 0) this.#resumeTemplate();
    else if (character === '/' && this.#startsPattern()) this.#pattern();
    else this.#code(character);
  }

  #indexOf(needle: string, from: number): number {
    const found = this.#text.indexOf(needle, from);
    return found < 0 ? this.#text.length : found;
  }

  #code(character: string): void {
    const depth = this.#templates.length - 1;
    if (depth >= 0 && character === '{') this.#templates[depth] = (this.#templates[depth] ?? 0) + 1;
    if (depth >= 0 && character === '}') this.#templates[depth] = (this.#templates[depth] ?? 0) - 1;
    if (/\w/.test(character)) {
      const continues = /\w/.test(this.#text[this.at - 1] ?? '');
      this.#word = continues ? this.#word + character : character;
    } else if (character.trim() !== '') this.#word = '';
    if (character.trim() !== '') this.#previous = character;
    this.#out.push(character);
    this.at++;
  }

  #blankTo(end: number): void {
    const stop = Math.min(end, this.#text.length);
    this.#out.push(this.#text.slice(this.at, stop).replace(/[^\n]/g, ' '));
    this.at = stop;
  }

  /** Leaves or blanks a stretch of text that is inside quotes. */
  #quoted(end: number): void {
    if (this.#blankStrings) this.#blankTo(end);
    else {
      this.#out.push(this.#text.slice(this.at, end));
      this.at = end;
    }
    this.#previous = '"';
    this.#word = '';
  }

  #string(quote: string): void {
    let end = this.at + 1;
    while (end < this.#text.length && this.#text[end] !== quote && this.#text[end] !== '\n') {
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#quoted(end + 1);
  }

  #template(): void {
    let end = this.at + 1;
    while (end < this.#text.length && this.#text[end] !== '`') {
      if (this.#text.startsWith('${', end)) {
        this.#quoted(end + 2);
        this.#templates.push(0);
        this.#previous = '{';
        return;
      }
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#quoted(end + 1);
  }

  #resumeTemplate(): void {
    this.#templates.pop();
    this.#template();
  }

  #startsPattern(): boolean {
    if (/^(return|typeof|case|in|of|do|else)$/.test(this.#word)) return true;
    return !/[\w)\]}"]/.test(this.#previous);
  }

  #pattern(): void {
    let end = this.at + 1;
    let inClass = false;
    while (end < this.#text.length && this.#text[end] !== '\n') {
      const character = this.#text[end];
      if (character === '\\') end++;
      else if (character === '[') inClass = true;
      else if (character === ']') inClass = false;
      else if (character === '/' && !inClass) break;
      end++;
    }
    this.#quoted(end + 1);
  }
}
