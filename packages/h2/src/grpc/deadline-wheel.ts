import type { Clock, TimerHandle } from '../clock.ts';

/** Something with a deadline; the links are the wheel's. */
export interface Deadline {
  /** In the clock's ms; set before it is added. */
  deadlineMs: number;
  previousDeadline: Deadline | undefined;
  nextDeadline: Deadline | undefined;
  /** In a wheel now. */
  hasDeadline: boolean;
  onDeadline(): void;
}

/** A deadline is at most this late. */
const tickMs = 16;
/** A power of two. One turn of the wheel is 8 s: most deadlines are met or forgotten within it. */
const slots = 512;

/**
 * Deadlines of many calls with one timer. Adding and removing one costs a few pointers, whatever the
 * number: a call nearly always ends before its deadline, so removing must be as cheap as adding.
 * Each slot holds a list of the deadlines that fall into its tick, in this turn of the wheel or a later.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: (Deadline | undefined)[] = new Array(slots).fill(undefined);
  #count = 0;
  /** The last tick that was looked at. */
  #tick: number;
  #timer: TimerHandle | undefined = undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tick = Math.floor(clock.now() / tickMs);
  }

  add(entry: Deadline): void {
    if (this.#timer === undefined) {
      this.#tick = Math.floor(this.#clock.now() / tickMs);
      this.#arm();
    }
    const slot = this.#slotOf(entry);
    const first = this.#slots[slot];
    entry.previousDeadline = undefined;
    entry.nextDeadline = first;
    if (first !== undefined) first.previousDeadline = entry;
    this.#slots[slot] = entry;
    entry.hasDeadline = true;
    this.#count += 1;
  }

  remove(entry: Deadline): void {
    if (!entry.hasDeadline) return;
    const { previousDeadline: previous, nextDeadline: next } = entry;
    if (previous !== undefined) previous.nextDeadline = next;
    else this.#slots[this.#slotOf(entry)] = next;
    if (next !== undefined) next.previousDeadline = previous;
    entry.previousDeadline = undefined;
    entry.nextDeadline = undefined;
    entry.hasDeadline = false;
    this.#count -= 1;
  }

  /** Stops the timer; entries stay but do not fire. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #slotOf(entry: Deadline): number {
    return Math.floor(entry.deadlineMs / tickMs) & (slots - 1);
  }

  /** The timer runs only while there are deadlines. */
  #arm(): void {
    this.#timer = this.#clock.setTimer(tickMs, () => {
      this.#timer = undefined;
      this.#advance();
      if (this.#count > 0 && this.#timer === undefined) this.#arm();
    });
  }

  #advance(): void {
    const nowMs = this.#clock.now();
    const nowTick = Math.floor(nowMs / tickMs);
    // After a long standstill every slot is looked at once.
    const from = Math.max(this.#tick, nowTick - slots + 1);
    this.#tick = nowTick;
    const due: Deadline[] = [];
    for (let tick = from; tick <= nowTick; tick++) {
      let entry = this.#slots[tick & (slots - 1)];
      for (; entry !== undefined; entry = entry.nextDeadline) {
        if (entry.deadlineMs <= nowMs) due.push(entry);
      }
    }
    for (const entry of due) {
      if (!entry.hasDeadline) continue;
      this.remove(entry);
      entry.onDeadline();
    }
  }
}
