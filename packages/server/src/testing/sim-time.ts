import type { Clock } from '../clock.ts';

interface SimEvent {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Virtual time: a queue of what is to happen, which moves only when it is told to. */
export class SimTime {
  nowMs = 0;
  /** Things that have happened so far. */
  steps = 0;
  #order = 0;
  /** A binary heap by time, then by order. */
  readonly #heap: SimEvent[] = [];

  /** Runs `run` after `delayMs`, unless the returned function is called first. */
  after(delayMs: number, run: () => void): () => void {
    const atMs = this.nowMs + Math.max(0, delayMs);
    const event = { atMs, order: this.#order++, run, cancelled: false };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Lets the next thing happen, and all that follows from it without time passing by. False when there is none. */
  async step(untilMs: number): Promise<boolean> {
    const next = this.#heap[0];
    if (next === undefined || next.atMs > untilMs) {
      this.nowMs = Math.max(this.nowMs, untilMs);
      return false;
    }
    this.#pop();
    this.nowMs = next.atMs;
    if (!next.cancelled) {
      this.steps++;
      next.run();
      await settled();
    }
    return true;
  }

  /** Lets `durationMs` pass. */
  async run(durationMs: number): Promise<void> {
    const untilMs = this.nowMs + durationMs;
    while (await this.step(untilMs));
  }

  /** Lets time pass until `holds`; throws after `limitMs`. */
  async until(holds: () => boolean, limitMs = 60_000): Promise<void> {
    const endMs = this.nowMs + limitMs;
    while (!holds()) {
      if (!(await this.step(endMs))) throw new Error(`nothing came of it within ${limitMs} ms`);
    }
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as SimEvent)) break;
      heap[at] = heap[parent] as SimEvent;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimEvent;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as SimEvent)) child++;
      if (!isBefore(heap[child] as SimEvent, last)) break;
      heap[at] = heap[child] as SimEvent;
      at = child;
    }
    heap[at] = last;
  }
}

/**
 * Resolves when promises that are settled by now, and those that follow from them, have run their continuations: Node
 * comes back to this queue only when none is left.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** How fast a member's clock runs, beside the true time; 1.01 gains 1 %. */
export interface ClockPace {
  readonly rate: number;
}

/**
 * One member's view of the time: it ends with the member, runs at a rate of its own, and stands still while the member's
 * thread is held up.
 */
export class SimClock implements Clock {
  readonly #time: SimTime;
  readonly #pace: ClockPace;
  readonly #startMs: number;
  #isStopped = false;
  #stoppedAtMs = Number.POSITIVE_INFINITY;
  #busyUntilMs = 0;
  /** How far off the wall clock is; it may jump. */
  wallOffsetMs = 0;
  #atEnd: (() => void)[] = [];

  constructor(time: SimTime, pace: ClockPace = { rate: 1 }) {
    this.#time = time;
    this.#pace = pace;
    this.#startMs = time.nowMs;
  }

  /** The member has crashed: nothing of it happens any more. */
  stop(): void {
    this.#isStopped = true;
    this.#stoppedAtMs = this.#time.nowMs;
  }

  /** Whether the member had still been there at a time that has come. */
  ranAt(ms: number): boolean {
    return ms <= this.#stoppedAtMs;
  }

  /** When what the member does now is done: later than now while its thread is held up. True time. */
  get freeAtMs(): number {
    return Math.max(this.#time.nowMs, this.#busyUntilMs);
  }

  /** The member's only thread waits, for its disk or because the process is stopped. */
  holdUp(durationMs: number): void {
    this.#busyUntilMs = this.freeAtMs + durationMs;
  }

  /** Runs `callback` when the thread is free, unless the member is gone by then. */
  readonly whenFree = (callback: () => void): void => {
    if (this.#isStopped) return;
    const waitMs = this.#busyUntilMs - this.#time.nowMs;
    if (waitMs > 0) this.#time.after(waitMs, () => this.whenFree(callback));
    else callback();
  };

  /** Later after a wait for the disk, as on a real thread. */
  readonly nowMs = (): number => (this.freeAtMs - this.#startMs) * this.#pace.rate;
  readonly wallMs = (): number => 1_700_000_000_000 + this.#time.nowMs + this.wallOffsetMs;

  readonly nextTurn = (callback: () => void): void => {
    this.#time.after(0, () => this.whenFree(callback));
  };

  readonly endOfTurn = (callback: () => void): void => {
    if (this.#atEnd.length === 0) queueMicrotask(() => this.endTurnNow());
    this.#atEnd.push(callback);
  };

  readonly endTurnNow = (): void => {
    while (this.#atEnd.length > 0) {
      const callbacks = this.#atEnd;
      this.#atEnd = [];
      for (const callback of callbacks) if (!this.#isStopped) callback();
    }
  };

  readonly after = (delayMs: number, callback: () => void): (() => void) => {
    let isCancelled = false;
    const cancel = this.#time.after(delayMs / this.#pace.rate, () =>
      this.whenFree(() => {
        if (!isCancelled) callback();
      }),
    );
    return () => {
      isCancelled = true;
      cancel();
    };
  };

  readonly every = (intervalMs: number, callback: () => void): (() => void) => {
    let cancel = () => {};
    const next = () => {
      cancel = this.after(intervalMs, () => {
        next();
        callback();
      });
    };
    next();
    return () => cancel();
  };
}
