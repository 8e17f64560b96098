import type { Readable } from 'node:stream';
import { DEADLINE_MS } from './eventually.ts';

/** Lines kept of one stream; the oldest go first. */
const MAX_LINES = 20_000;

/** What a program writes to one of its streams, line by line. */
export class OutputLog {
  #lines: string[] = [];
  #unfinished = '';
  #closed = false;
  #wake = Promise.withResolvers<void>();

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#add(text));
    stream.on('close', () => this.#close());
    stream.on('error', () => this.#close());
  }

  /** Finished lines, without their line breaks. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Everything written, as it is kept. */
  get text(): string {
    return [...this.#lines, this.#unfinished].join('\n');
  }

  /** The first line that matches, written already or later. Rejects at the deadline or when the program ends first. */
  async line(pattern: RegExp, deadlineMs = DEADLINE_MS): Promise<string> {
    const find = () => this.#lines.find((line) => pattern.test(line));
    return this.#until(`a line ${pattern}`, find, deadlineMs);
  }

  /** The line that stands `distance` lines below the first that matches: the end of what is written piece by piece. */
  async lineBelow(pattern: RegExp, distance: number, deadlineMs = DEADLINE_MS): Promise<string> {
    const find = () => {
      const at = this.#lines.findIndex((line) => pattern.test(line));
      return at < 0 ? undefined : this.#lines[at + distance];
    };
    return this.#until(`a line ${distance} below ${pattern}`, find, deadlineMs);
  }

  /** The first `count` lines, as soon as there are so many. */
  async firstLines(count: number, deadlineMs = DEADLINE_MS): Promise<readonly string[]> {
    const take = () => (this.#lines.length >= count ? this.#lines.slice(0, count) : undefined);
    return this.#until(`${count} lines`, take, deadlineMs);
  }

  async #until<T>(what: string, look: () => T | undefined, deadlineMs: number): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#stir();
    }, deadlineMs);
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        const last = this.text.slice(-2000);
        if (late) throw new Error(`no ${what} within ${deadlineMs} ms; the output ends:\n${last}`);
        if (this.#closed) throw new Error(`the program ended without ${what}:\n${last}`);
        await this.#wake.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #add(text: string): void {
    const pieces = (this.#unfinished + text).split('\n');
    this.#unfinished = pieces.pop() ?? '';
    this.#lines.push(...pieces);
    const excess = this.#lines.length - MAX_LINES;
    if (excess > 0) this.#lines.splice(0, excess);
    this.#stir();
  }

  #close(): void {
    this.#closed = true;
    this.#stir();
  }

  #stir(): void {
    const waiting = this.#wake;
    this.#wake = Promise.withResolvers();
    waiting.resolve();
  }
}
