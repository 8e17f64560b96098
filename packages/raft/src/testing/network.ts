import type { Entry, MemberId, Message } from '../types.ts';
import type { EventQueue } from './event-queue.ts';
import type { Prng } from './prng.ts';
import type { Trace } from './trace.ts';

/** What a network does to messages. Probabilities are per message, times in units of the queue. */
export interface NetworkWeather {
  readonly drop: number;
  readonly duplicate: number;
  readonly minDelay: number;
  readonly maxDelay: number;
}

export const calm: NetworkWeather = { drop: 0, duplicate: 0, minDelay: 1, maxDelay: 5 };

/** No message is under way for longer. */
export const longestDelay = 1_500;

/**
 * Messages on their way. Each takes its own time, so they overtake each other; some come twice, some never, and none
 * over a link that is cut, each direction for itself. What arrives is a copy without `Entry.context`, as if encoded.
 */
export class SimNetwork {
  weather: NetworkWeather = calm;
  /** Somebody's wish that a message be lost, asked when it would arrive. */
  loses: ((message: Message) => boolean) | undefined;
  /** And how much longer it shall take, asked when it is sent. */
  delays: ((message: Message) => number) | undefined;
  readonly #random: Prng;
  readonly #queue: EventQueue;
  readonly #trace: Trace;
  readonly #cut = new Set<number>();
  readonly #slow = new Set<number>();
  readonly #deliver: (message: Message) => void;
  readonly #lost: (message: Message) => void;

  /** `lost` hears of messages that do not arrive, as a transport would. */
  constructor(
    random: Prng,
    queue: EventQueue,
    trace: Trace,
    deliver: (message: Message) => void,
    lost: (message: Message) => void,
  ) {
    this.#random = random;
    this.#queue = queue;
    this.#trace = trace;
    this.#deliver = deliver;
    this.#lost = lost;
  }

  /** Cuts the link in one direction. */
  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(link(from, to));
  }

  /** Makes one direction of a link the slowest there is. */
  slow(from: MemberId, to: MemberId): void {
    this.#slow.add(link(from, to));
  }

  healAll(): void {
    this.#cut.clear();
    this.#slow.clear();
  }

  send(message: Message): void {
    this.#start(copyMessage(message));
    if (this.#random.chance(this.weather.duplicate)) this.#start(copyMessage(message));
  }

  #start(message: Message): void {
    const { minDelay, maxDelay } = this.weather;
    const way = link(message.from, message.to);
    const limit = this.#slow.has(way) ? longestDelay : maxDelay;
    const extra = this.delays?.(message) ?? 0;
    const delay = minDelay + this.#random.below(limit - minDelay + 1) + extra;
    this.#queue.after(delay, () => {
      const isCut = this.#cut.has(way) || this.loses?.(message) === true;
      if (isCut || this.#random.chance(this.weather.drop)) {
        this.#trace.message('lost', message);
        this.#lost(message);
      } else {
        this.#trace.message('deliver', message);
        this.#deliver(message);
      }
    });
  }
}

function link(from: MemberId, to: MemberId): number {
  return Number(from) * 1_000 + Number(to);
}

/** What a codec would make of it: nothing shared with the original but immutable bytes. */
export function copyMessage(message: Message): Message {
  return { ...message, entries: message.entries.map(copyEntry) };
}

function copyEntry({ term, index, type, data }: Entry): Entry {
  return { term, index, type, data, context: undefined };
}
