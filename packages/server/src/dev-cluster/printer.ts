import { type InspectColor, styleText } from 'node:util';

/** One colour per member, the last for the dev-cluster itself. */
const colours: readonly InspectColor[] = ['cyan', 'yellow', 'magenta', 'green', 'blue', 'red'];
const OWN_COLOUR: InspectColor = 'bold';

/** Writes whole lines of many sources, each behind the label of its source. */
export class Printer {
  readonly #write: (text: string) => void;
  readonly #hasColours: boolean;

  constructor(write: (text: string) => void, hasColours: boolean) {
    this.#write = write;
    this.#hasColours = hasColours;
  }

  /** A source of output: takes text as it comes and writes its finished lines. */
  source(name: string, index: number, onLine: (line: string) => void): LineSource {
    const label = this.#label(name, colours[index % colours.length] ?? OWN_COLOUR);
    return new LineSource((line) => {
      this.#write(`${label}${line}\n`);
      onLine(line);
    });
  }

  /** Something the dev-cluster has to say, of one or more lines. */
  say(text: string): void {
    const label = this.#label('--', OWN_COLOUR);
    for (const line of text.split('\n')) this.#write(`${label}${line}\n`);
  }

  #label(name: string, colour: InspectColor): string {
    // Whether the output takes colours was decided by whoever made this printer.
    return this.#hasColours
      ? `${styleText(colour, `${name} |`, { validateStream: false })} `
      : `${name} | `;
  }
}

/** A line that never ends is cut here, in characters. */
const MAX_LINE_LENGTH = 64 * 1024;

/** Cuts a stream of text into lines. */
export class LineSource {
  readonly #onLine: (line: string) => void;
  #unfinished = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(text: string): void {
    const pieces = (this.#unfinished + text).split('\n');
    this.#unfinished = pieces.pop() ?? '';
    for (const piece of pieces) this.#onLine(piece);
    if (this.#unfinished.length > MAX_LINE_LENGTH) this.end();
  }

  /** No more is to come: what is left is a line, too. */
  end(): void {
    if (this.#unfinished !== '') this.#onLine(this.#unfinished);
    this.#unfinished = '';
  }
}
