import { Prng } from '../../framework/prng.ts';

/** Somebody to whom things happen, and who may be held still. */
export interface Actor {
  /** Nothing happens to it before; in ms. Never becomes less. */
  readonly stillUntil: number;
}

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly actor: Actor | undefined;
  readonly callback: () => void;
  isCalledOff: boolean;
}

/** Virtual time, and all that is to happen in it, in an order that a seed decides. */
export class World {
  readonly prng: Prng;
  #nowMs = 0;
  #order = 0;
  #happenings: Happening[] = [];

  constructor(seed: number) {
    this.prng = new Prng(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Has something happen after so long, to an actor or to nobody; gives back what calls it off. */
  after(delayMs: number, callback: () => void, actor?: Actor): () => void {
    this.#order += 1;
    const at = this.#nowMs + delayMs;
    const happening = { at, order: this.#order, actor, callback, isCalledOff: false };
    this.#insert(happening);
    return () => {
      happening.isCalledOff = true;
    };
  }

  /** Lets time pass until `isOver`, or until `endMs`, or until nothing is left to happen. */
  async run(isOver: () => boolean, endMs: number): Promise<void> {
    for (;;) {
      // All that follows without time passing is done first.
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver()) return;
      const next = this.#happenings.pop();
      if (next === undefined || next.at > endMs) return;
      if (next.isCalledOff) continue;
      const stillUntil = next.actor?.stillUntil ?? 0;
      if (next.at < stillUntil) {
        // It keeps its place among what happens to this actor when it goes on.
        this.#insert({ ...next, at: stillUntil }, next);
        continue;
      }
      this.#nowMs = next.at;
      next.callback();
    }
  }

  /** Sorted, the next one last. A timer that was moved can still be called off by its first owner. */
  #insert(happening: Happening, moved?: Happening): void {
    const entry = moved === undefined ? happening : Object.assign(moved, { at: happening.at });
    let low = 0;
    let high = this.#happenings.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#happenings[middle] ?? entry;
      const isLater = other.at > entry.at || (other.at === entry.at && other.order > entry.order);
      if (isLater) low = middle + 1;
      else high = middle;
    }
    this.#happenings.splice(low, 0, entry);
  }
}
