import type { Output } from '../host.ts';
import type { LineWriter } from './rendering.ts';

/** Gathers lines, so that one answer is written at once. */
export class LineBuffer {
  readonly #pieces: (string | Uint8Array)[] = [];

  /** Adds a line and its end. */
  readonly write: LineWriter = (line) => {
    this.#pieces.push(line, '\n');
  };

  /** Writes what was gathered, and forgets it. */
  flushTo(out: Output): void {
    const pieces = this.#pieces.splice(0);
    if (pieces.length === 0) return;
    const isText = pieces.every((piece) => typeof piece === 'string');
    if (isText) out.write(pieces.join(''));
    else out.write(Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))));
  }
}
