import { type Message, messageTypeNumbers } from '../types.ts';
import { describeMessage } from './describe.ts';

/** A hash over all that happens in a run, and on demand a line about each of it. */
export class Trace {
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;
  readonly #log: ((line: string) => void) | undefined;
  readonly #now: () => number;

  constructor(now: () => number, log: ((line: string) => void) | undefined) {
    this.#now = now;
    this.#log = log;
  }

  /** Equal for equal runs. */
  get digest(): string {
    return [this.#high, this.#low].map((x) => (x >>> 0).toString(16).padStart(8, '0')).join('');
  }

  mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#high = Math.imul(this.#high ^ this.#low ^ (this.#low >>> 15), 0x85ebca6b);
  }

  /** Something that is not a message: what, at which member, and a number that tells more. */
  event(what: string, member: number, detail: number): void {
    this.mix(this.#now());
    this.mix(what.charCodeAt(0) * 256 + what.length);
    this.mix(member);
    this.mix(detail);
    this.#log?.(`${this.#now()} ${what} ${member} ${detail}`);
  }

  message(what: string, message: Message): void {
    this.mix(this.#now());
    this.mix(messageTypeNumbers[message.type]);
    this.mix(Number(message.from) * 256 + Number(message.to));
    this.mix(message.term);
    this.mix(message.index);
    this.mix(message.commit);
    this.mix(message.entries.length * 2 + (message.reject ? 1 : 0));
    this.#log?.(`${this.#now()} ${what} ${describeMessage(message)}`);
  }
}
