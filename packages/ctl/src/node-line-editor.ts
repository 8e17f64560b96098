import type { Interface } from 'node:readline';
import type { LineEditor, LineEditorOptions } from './host.ts';

type Answer = { readonly line: string } | 'interrupted' | undefined;

/** Lines by Node's readline. On a terminal, one interface lives from a question to its answer. */
export class NodeLineEditor implements LineEditor {
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  readonly #options: LineEditorOptions;
  readonly #isTerminal: boolean;
  /** As readline has it: the latest one first. */
  #history: string[];
  #interface: Interface | undefined = undefined;
  /** Lines that came before they were asked for, as when several are pasted. */
  readonly #early: string[] = [];
  /** A line that was begun when the terminal was handed over. */
  #begun = '';
  #hasEnded = false;
  #waiting: ((answer: Answer) => void) | undefined = undefined;
  readonly #onSignal = () => this.#options.onInterrupt();

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream, options: LineEditorOptions) {
    this.#input = input;
    this.#output = output;
    this.#options = options;
    this.#isTerminal = input.isTTY === true && output.isTTY === true;
    this.#history = options.history.toReversed();
    process.on('SIGINT', this.#onSignal);
  }

  async next(prompt: string): Promise<Answer> {
    if (this.#early.length === 0 && !this.#hasEnded) this.#interface ??= await this.#open();
    const early = this.#early.shift();
    if (early !== undefined) return { line: early };
    const lines = this.#interface;
    if (this.#hasEnded || lines === undefined) return undefined;
    const answer = new Promise<Answer>((resolve) => {
      this.#waiting = resolve;
    });
    if (this.#isTerminal) {
      lines.setPrompt(prompt);
      lines.prompt();
      if (this.#begun !== '') lines.write(this.#begun);
      this.#begun = '';
    }
    const given = await answer;
    // After an interruption the next question follows at once; handing the terminal over in between
    // would lose a Ctrl-D.
    if (this.#isTerminal && given !== 'interrupted') this.#release();
    return given;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal);
    this.#release();
  }

  async #open(): Promise<Interface> {
    const { createInterface } = await import('node:readline');
    const lines = createInterface({
      input: this.#input,
      ...(this.#isTerminal ? { output: this.#output } : {}),
      terminal: this.#isTerminal,
      history: this.#history,
      historySize: 1000,
      completer: (line: string, callback: (error: null, result: [string[], string]) => void) => {
        this.#options.complete(line).then(
          ([words, begun]) => callback(null, [[...words], begun]),
          () => callback(null, [[], line]),
        );
      },
    });
    lines.on('history', (history) => {
      this.#history = [...history];
    });
    lines.on('line', (line) => {
      if (this.#waiting === undefined) this.#early.push(line);
      else this.#answer({ line });
    });
    lines.on('SIGINT', () => {
      if (this.#waiting === undefined) return this.#options.onInterrupt();
      this.#output.write('^C\n');
      // What was typed is given up.
      lines.write(null, { ctrl: true, name: 'e' });
      lines.write(null, { ctrl: true, name: 'u' });
      this.#answer('interrupted');
    });
    lines.on('close', () => {
      if (this.#interface !== lines) return;
      this.#hasEnded = true;
      this.#answer(undefined);
    });
    return lines;
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(answer);
  }

  /** Gives the terminal back. What came in one piece with a line has been read by then. */
  #release(): void {
    const lines = this.#interface;
    if (lines === undefined) return;
    this.#interface = undefined;
    this.#begun = this.#hasEnded ? '' : lines.line;
    lines.close();
  }
}
