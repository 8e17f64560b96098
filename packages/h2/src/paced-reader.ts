import type { FrameReader } from './frame-reader.ts';
import type { Worker, WorkTurns } from './work-turns.ts';

/** A share that is used up less than this is not renewed: most turns use little of it. */
const renewalPart = 1 / 4;

/**
 * Reads a connection's chunks, but in one turn of the loop no more frames than its share: a chunk holds
 * thousands of small ones, and other connections' callers must not wait for all of them. What is left over
 * is kept, and read on in the next turn.
 */
export class PacedReader implements Worker {
  readonly #reader: FrameReader;
  readonly #framesPerTurn: number;
  readonly #turns: WorkTurns;
  /** Asked to call `goOn`, when the next turn has come and something was kept. */
  readonly #onTurn: () => void;
  #kept: Buffer | undefined = undefined;
  #keptFrom = 0;
  #isInLine = false;

  constructor(reader: FrameReader, framesPerTurn: number, turns: WorkTurns, onTurn: () => void) {
    this.#reader = reader;
    this.#framesPerTurn = framesPerTurn;
    this.#turns = turns;
    this.#onTurn = onTurn;
    reader.framesLeft = framesPerTurn;
  }

  /** Bytes that wait for the next turn; the byte stream should give no more until there are none. */
  get keptBytes(): number {
    return this.#kept === undefined ? 0 : this.#kept.length - this.#keptFrom;
  }

  /** Reads what has come, or keeps it behind what waits. */
  push(chunk: Buffer): void {
    const kept = this.#kept;
    if (kept === undefined) {
      this.#read(chunk, 0);
    } else {
      this.#kept = Buffer.concat([kept.subarray(this.#keptFrom), chunk]);
      this.#keptFrom = 0;
    }
  }

  /** Reads what was kept. */
  goOn(): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    this.#read(kept, this.#keptFrom);
  }

  /** So much of this turn's share is used up besides. */
  charge(frames: number): void {
    this.#reader.framesLeft -= frames;
  }

  /** Nothing more is read. */
  stop(): void {
    this.#kept = undefined;
    this.#reader.stop();
  }

  /** The next turn has come. */
  work(): number {
    const reader = this.#reader;
    reader.framesLeft = this.#framesPerTurn;
    this.#isInLine = true;
    if (this.#kept !== undefined) this.#onTurn();
    this.#isInLine = this.hasMore;
    return this.#framesPerTurn - reader.framesLeft;
  }

  get hasMore(): boolean {
    return this.#kept !== undefined;
  }

  #read(chunk: Buffer, from: number): void {
    const reader = this.#reader;
    const at = reader.push(chunk, from);
    if (at < chunk.length) {
      this.#kept = chunk;
      this.#keptFrom = at;
    }
    const used = this.#framesPerTurn - reader.framesLeft;
    if (this.#isInLine || used < this.#framesPerTurn * renewalPart) return;
    this.#isInLine = true;
    this.#turns.add(this);
  }
}
