import type { TurnMember, TurnQueue } from './turn-queue.ts';

/** A connection, as far as the budget looks at it. */
export interface BufferHolder {
  /** Bytes it held when it last told. Belongs to the budget. */
  notedBytes: number;
  /** Ends it, because it holds the most of all; afterwards it has told that it holds nothing. */
  endForMemory(): void;
}

/**
 * What all connections of a server hold together. None may know how much the others do, so each may keep
 * to its own limits while a thousand of them fill the process. Over the limit the one with the most has
 * to go: who attacks by numbers loses them one by one, and honest peers are hardly ever first.
 */
export class BufferBudget implements TurnMember {
  /** Bytes that were told last. */
  totalBytes = 0;
  readonly #maxBytes: number;
  readonly #turn: TurnQueue;
  readonly #holders = new Set<BufferHolder>();
  #isDue = false;

  constructor(maxBytes: number, turn: TurnQueue) {
    this.#maxBytes = maxBytes;
    this.#turn = turn;
  }

  /** Takes what a holder has now. Nobody is ended before the turn is over. */
  note(holder: BufferHolder, bytes: number): void {
    if (holder.notedBytes === 0) this.#holders.add(holder);
    else if (bytes === 0) this.#holders.delete(holder);
    this.totalBytes += bytes - holder.notedBytes;
    holder.notedBytes = bytes;
    if (this.totalBytes <= this.#maxBytes || this.#isDue) return;
    this.#isDue = true;
    this.#turn.add(this);
  }

  /** Ends connections, the greediest first, until the rest is within the limit. */
  onTurnEnd(): void {
    this.#isDue = false;
    while (this.totalBytes > this.#maxBytes) {
      let greediest: BufferHolder | undefined;
      for (const holder of this.#holders) {
        if (greediest === undefined || holder.notedBytes > greediest.notedBytes) greediest = holder;
      }
      if (greediest === undefined) return;
      greediest.endForMemory();
    }
  }
}
