import type { Entry, MemberId, Message } from '../types.ts';
import type { Prng } from './prng.ts';

/** What a network does to messages, as probabilities per message. */
export interface NetworkFaults {
  drop: number;
  duplicate: number;
}

/**
 * Messages on their way. They arrive in any order, some twice, some never, and none across a partition. What arrives
 * is a copy without `Entry.context`, as if it had been encoded.
 */
export class SimNetwork {
  faults: NetworkFaults = { drop: 0, duplicate: 0 };
  readonly #random: Prng;
  readonly #inFlight: Message[] = [];
  /** The side of each member while there is a partition; everybody is on side 0 otherwise. */
  #sides: ReadonlyMap<MemberId, number> = new Map();
  /** Called when a snapshot is lost: the transport knows how its delivery ended. */
  onSnapshotLost: (message: Message) => void = () => {};

  constructor(random: Prng) {
    this.#random = random;
  }

  get size(): number {
    return this.#inFlight.length;
  }

  partition(sides: ReadonlyMap<MemberId, number>): void {
    this.#sides = sides;
  }

  heal(): void {
    this.#sides = new Map();
  }

  send(message: Message): void {
    this.#inFlight.push(copyMessage(message));
    if (this.#random.chance(this.faults.duplicate)) this.#inFlight.push(copyMessage(message));
  }

  /** Takes a message that arrives now, if any does. `inOrder` takes the oldest instead of any. */
  receive(inOrder: boolean): Message | undefined {
    if (this.#inFlight.length === 0) return undefined;
    const at = inOrder ? 0 : this.#random.below(this.#inFlight.length);
    const message = this.#inFlight[at] as Message;
    this.#inFlight.splice(at, 1);
    const sameSide = (this.#sides.get(message.from) ?? 0) === (this.#sides.get(message.to) ?? 0);
    if (sameSide && !this.#random.chance(this.faults.drop)) return message;
    if (message.type === 'MsgSnap') this.onSnapshotLost(message);
    return undefined;
  }
}

/** What a codec would make of it: nothing shared with the original but immutable bytes. */
export function copyMessage(message: Message): Message {
  return { ...message, entries: message.entries.map(copyEntry) };
}

function copyEntry({ term, index, type, data }: Entry): Entry {
  return { term, index, type, data };
}
