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
      next.run();
      // Promises that are settled by now run their continuations before anything else does.
      await new Promise((resolve) => setImmediate(resolve));
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

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** One member's view of the time: it ends with the member, and may run at a rate of its own. */
export class SimClock implements Clock {
  readonly #time: SimTime;
  #isStopped = false;
  #atEnd: (() => void)[] = [];

  constructor(time: SimTime) {
    this.#time = time;
  }

  /** The member has crashed: nothing of it happens any more. */
  stop(): void {
    this.#isStopped = true;
  }

  readonly nowMs = (): number => this.#time.nowMs;
  readonly wallMs = (): number => 1_700_000_000_000 + this.#time.nowMs;

  readonly nextTurn = (callback: () => void): void => {
    this.#time.after(0, () => this.#run(callback));
  };

  readonly endOfTurn = (callback: () => void): void => {
    if (this.#atEnd.length === 0) queueMicrotask(() => this.endTurnNow());
    this.#atEnd.push(callback);
  };

  readonly endTurnNow = (): void => {
    const callbacks = this.#atEnd;
    this.#atEnd = [];
    for (const callback of callbacks) this.#run(callback);
  };

  readonly after = (delayMs: number, callback: () => void): (() => void) =>
    this.#time.after(delayMs, () => this.#run(callback));

  readonly every = (intervalMs: number, callback: () => void): (() => void) => {
    let cancel = () => {};
    const next = () => {
      cancel = this.#time.after(intervalMs, () => {
        if (this.#isStopped) return;
        next();
        callback();
      });
    };
    next();
    return () => cancel();
  };

  #run(callback: () => void): void {
    if (!this.#isStopped) callback();
  }
}
