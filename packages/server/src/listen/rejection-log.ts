import type { Clock } from '../clock.ts';
import type { LogFields, Logger } from '../logging/logger.ts';

/** What kind of caller an address is for. */
export type Side = 'client' | 'peer';

/** Who comes again for the same reason is named again after so long: clients try several times a second. */
const REPEAT_AFTER_MS = 10_000;
/** Callers and reasons that are remembered for that; the oldest is forgotten. */
const MAX_REMEMBERED = 1000;
/** Lines in one second, whoever comes: nobody shall fill the disk. */
const LINES_PER_SECOND = 20;
const SECOND_MS = 1000;

/** What was told of one caller and one reason. */
interface Told {
  atMs: number;
  /** How often it came since without a line. */
  unwritten: number;
}

/** Tells in the log who was turned away and why, in one line, and not too often. */
export class RejectionLog {
  readonly #message: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #told = new Map<string, Told>();
  #secondMs = Number.NEGATIVE_INFINITY;
  #lines = 0;

  constructor(side: Side, clock: Clock, logger: Logger) {
    this.#message = `rejected connection on ${side} endpoint`;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** A connection was turned away; `remoteAddress` with its port, and `error` in the fields. */
  rejected(remoteAddress: string, fields: LogFields & { readonly error: string }): void {
    const nowMs = this.#clock.nowMs();
    const told = this.#toldOf(`${remoteAddress.replace(/:\d+$/, '')} ${fields.error}`);
    if (nowMs - told.atMs < REPEAT_AFTER_MS || this.#isOverRate(nowMs)) {
      told.unwritten += 1;
      return;
    }
    const before = told.unwritten === 0 ? {} : { 'times-before': told.unwritten };
    told.atMs = nowMs;
    told.unwritten = 0;
    this.#logger.warn(this.#message, { 'remote-addr': remoteAddress, ...fields, ...before });
  }

  #toldOf(key: string): Told {
    const told = this.#told.get(key) ?? { atMs: Number.NEGATIVE_INFINITY, unwritten: 0 };
    this.#told.delete(key);
    this.#told.set(key, told);
    if (this.#told.size > MAX_REMEMBERED) {
      for (const oldest of this.#told.keys()) {
        this.#told.delete(oldest);
        break;
      }
    }
    return told;
  }

  #isOverRate(nowMs: number): boolean {
    if (nowMs - this.#secondMs >= SECOND_MS) {
      this.#secondMs = nowMs;
      this.#lines = 0;
    }
    this.#lines += 1;
    return this.#lines > LINES_PER_SECOND;
  }
}
