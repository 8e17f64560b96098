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

/** A deadline is at most this late, and what the clock's timers are. */
const tickMs = 1;
/** A power of two. One turn of the wheel is 4 s: most deadlines are met or forgotten within it. */
const slots = 4096;

/**
 * Deadlines of many calls with one timer. Adding and removing one costs a few pointers, whatever the
 * number: a call nearly always ends before its deadline, so removing must be as cheap as adding.
 * Each slot holds a list of the deadlines that fall into its tick, in this turn of the wheel or a later.
 * The timer is set for the next slot that holds one, and stays when that one is removed.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: (Deadline | undefined)[] = new Array(slots).fill(undefined);
  #count = 0;
  /** The last tick that was looked at. */
  #tick: number;
  #timer: TimerHandle | undefined = undefined;
  /** The tick after which the timer goes off. */
  #armedTick: number = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tick = tickOf(clock.now());
  }

  add(entry: Deadline): void {
    if (this.#timer === undefined) this.#tick = tickOf(this.#clock.now());
    const tick = tickOf(entry.deadlineMs);
    const slot = tick & (slots - 1);
    const first = this.#slots[slot];
    entry.previousDeadline = undefined;
    entry.nextDeadline = first;
    if (first !== undefined) first.previousDeadline = entry;
    this.#slots[slot] = entry;
    entry.hasDeadline = true;
    this.#count += 1;
    if (tick < this.#armedTick) this.#arm(Math.max(tick, this.#tick));
  }

  remove(entry: Deadline): void {
    if (!entry.hasDeadline) return;
    const { previousDeadline: previous, nextDeadline: next } = entry;
    if (previous !== undefined) previous.nextDeadline = next;
    else this.#slots[tickOf(entry.deadlineMs) & (slots - 1)] = next;
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
    this.#armedTick = Number.POSITIVE_INFINITY;
  }

  /** Sets the timer for the end of a tick. */
  #arm(tick: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#armedTick = tick;
    const delayMs = Math.max(0, (tick + 1) * tickMs - this.#clock.now());
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#armedTick = Number.POSITIVE_INFINITY;
      this.#advance();
      if (this.#count > 0) this.#armNext();
    });
  }

  /** The timer runs only while there are deadlines. */
  #armNext(): void {
    let tick = this.#tick;
    // What is due in a later turn of the wheel stands in these slots as well: then it looks in vain.
    const last = tick + slots;
    while (tick < last && this.#slots[tick & (slots - 1)] === undefined) tick += 1;
    if (tick < this.#armedTick) this.#arm(tick);
  }

  #advance(): void {
    const nowMs = this.#clock.now();
    const nowTick = tickOf(nowMs);
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

function tickOf(ms: number): number {
  return Math.floor(ms / tickMs);
}
