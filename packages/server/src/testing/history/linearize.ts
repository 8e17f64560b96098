/** What calls do to a state that is never changed in place. */
export interface Model<State, Op> {
  readonly initial: State;
  /**
   * The state after `op`; undefined when `op`, with the answer that it got, can't come next. The same object stands for
   * an answer that only what changes nothing can give, in any state.
   */
  step(state: State, op: Op): State | undefined;
  /** Whether a call without an answer may come next: saves trying them all. Default: always. */
  takesUnanswered?(state: State): boolean;
  /** Equal for equal states, and as good as never for others. */
  digest(state: State): string;
}

/** An operation with its place in time. */
export interface Call<Op> {
  readonly op: Op;
  /** Numbers of the call and of the return among all of a history's; Infinity for one that never returned. */
  readonly calledAt: number;
  readonly returnedAt: number;
  /** Whether it must have taken effect; any other may have, at any time after the call. */
  readonly isRequired: boolean;
}

/** What became of the search for an order. */
export type Verdict<State, Op> =
  | {
      readonly kind: 'linearizable';
      /** The calls that took effect, in an order that explains every answer. */
      readonly order: readonly Call<Op>[];
      readonly state: State;
    }
  | {
      readonly kind: 'violation';
      /** The longest order that explains all it holds. */
      readonly order: readonly Call<Op>[];
      readonly state: State;
      /** The call that returned, though nothing that could come before makes its answer possible. */
      readonly stuck: Call<Op>;
    }
  | { readonly kind: 'undecided'; readonly steps: number };

/** Steps of the model that a search may make: some seconds. */
const DEFAULT_STEP_LIMIT = 2_000_000;

/** A choice or a step without one, to be taken back. */
interface Taken<State> {
  readonly index: number;
  readonly before: State;
  readonly isChoice: boolean;
}

/**
 * Looks for an order of the calls in which each takes effect between its call and its return and gives the answer that
 * it gave: the search of Wing and Gong, with the memory of Lowe's that keeps it from trying equal states twice.
 *
 * A call that changes nothing and whose answer fits is taken at once, without a choice: whatever order takes it later
 * also explains everything with it here.
 */
export function linearize<State, Op>(
  model: Model<State, Op>,
  calls: readonly Call<Op>[],
  stepLimit: number = DEFAULT_STEP_LIMIT,
): Verdict<State, Op> {
  return new Search(model, calls, stepLimit).run();
}

class Search<State, Op> {
  readonly #model: Model<State, Op>;
  readonly #calls: readonly Call<Op>[];
  readonly #stepLimit: number;
  readonly #list: EntryList;
  readonly #seen = new Set<string>();
  readonly #taken: Taken<State>[] = [];
  readonly #marks: Int32Array;
  #state: State;
  #markA = 0;
  #markB = 0;
  #requiredLeft = 0;
  #steps = 0;
  #longest: { order: number[]; state: State; stuck: number } | undefined;

  constructor(model: Model<State, Op>, calls: readonly Call<Op>[], stepLimit: number) {
    this.#model = model;
    this.#calls = calls;
    this.#stepLimit = stepLimit;
    this.#list = new EntryList(calls);
    this.#state = model.initial;
    this.#marks = marksOf(calls.length);
    for (const { isRequired } of calls) if (isRequired) this.#requiredLeft++;
  }

  run(): Verdict<State, Op> {
    let from = this.#list.first;
    while (this.#requiredLeft > 0) {
      if (this.#steps > this.#stepLimit) return { kind: 'undecided', steps: this.#steps };
      if (from === this.#list.first) {
        this.#takeWhatChangesNothing();
        if (this.#requiredLeft === 0) break;
        from = this.#list.first;
      }
      if (this.#choose(from)) {
        from = this.#list.first;
        continue;
      }
      const next = this.#backtrack();
      if (next === undefined) return this.#violation();
      from = next;
    }
    return { kind: 'linearizable', order: this.#order(), state: this.#state };
  }

  /** Takes every call that may come next and leaves the state as it is. */
  #takeWhatChangesNothing(): void {
    const list = this.#list;
    let entry = list.first;
    while (list.isCall(entry)) {
      const index = list.callOf(entry);
      const { op, isRequired } = this.#calls[index] as Call<Op>;
      const before = list.previous(entry);
      if (isRequired) {
        this.#steps++;
        if (this.#model.step(this.#state, op) === this.#state) this.#take(index, false);
      }
      // The entry behind it may have been its return, which went with it.
      entry = list.next(list.next(before) === entry ? entry : before);
    }
  }

  /** Takes the first call from `from` on that changes the state to one that was not looked at yet. */
  #choose(from: number): boolean {
    const list = this.#list;
    const takesUnanswered = this.#model.takesUnanswered?.(this.#state) ?? true;
    let entry = from;
    for (; list.isCall(entry); entry = list.next(entry)) {
      const index = list.callOf(entry);
      const { op, isRequired } = this.#calls[index] as Call<Op>;
      if (!isRequired && !takesUnanswered) continue;
      this.#steps++;
      const state = this.#model.step(this.#state, op);
      if (state === undefined || state === this.#state) continue;
      const key = this.#keyWith(index, state);
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#take(index, true);
      this.#state = state;
      return true;
    }
    this.#noteStuck(list.callOf(entry));
    return false;
  }

  #take(index: number, isChoice: boolean): void {
    this.#taken.push({ index, before: this.#state, isChoice });
    this.#list.lift(index);
    this.#mark(index);
    if (this.#calls[index]?.isRequired === true) this.#requiredLeft--;
  }

  /** Takes back the last choice and all that followed from it; the entry to go on with, or undefined at the end. */
  #backtrack(): number | undefined {
    for (;;) {
      const taken = this.#taken.pop();
      if (taken === undefined) return undefined;
      const { index, before, isChoice } = taken;
      this.#list.unlift(index);
      this.#mark(index);
      if (this.#calls[index]?.isRequired === true) this.#requiredLeft++;
      this.#state = before;
      if (isChoice) return this.#list.next(this.#list.entryOf(index));
    }
  }

  /** Two sums of random marks stand for the set of calls that were taken; taking one back is the same again. */
  #mark(index: number): void {
    this.#markA ^= this.#marks[2 * index] as number;
    this.#markB ^= this.#marks[2 * index + 1] as number;
  }

  #keyWith(index: number, state: State): string {
    const a = this.#markA ^ (this.#marks[2 * index] as number);
    const b = this.#markB ^ (this.#marks[2 * index + 1] as number);
    return `${a},${b},${this.#model.digest(state)}`;
  }

  #noteStuck(stuck: number): void {
    if (this.#longest !== undefined && this.#longest.order.length >= this.#taken.length) return;
    const order = this.#taken.map(({ index }) => index);
    this.#longest = { order, state: this.#state, stuck };
  }

  #order(): Call<Op>[] {
    return this.#taken.map(({ index }) => this.#calls[index] as Call<Op>);
  }

  #violation(): Verdict<State, Op> {
    const { order, state, stuck } = this.#longest ?? {
      order: [],
      state: this.#model.initial,
      stuck: 0,
    };
    return {
      kind: 'violation',
      order: order.map((index) => this.#calls[index] as Call<Op>),
      state,
      stuck: this.#calls[stuck] as Call<Op>,
    };
  }
}

/** Calls and returns in the order of time; a call is lifted out with its return, and put back in reverse order. */
class EntryList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** Of each entry, twice its call's index, and one more for a return. */
  readonly #kinds: Int32Array;
  readonly #callEntries: Int32Array;
  readonly #returnEntries: Int32Array;

  constructor(calls: readonly Call<unknown>[]) {
    const times: { at: number; kind: number }[] = [];
    calls.forEach(({ calledAt, returnedAt, isRequired }, index) => {
      times.push({ at: calledAt, kind: 2 * index });
      if (isRequired) times.push({ at: returnedAt, kind: 2 * index + 1 });
    });
    // What happens in one moment counts as concurrent: calls come first.
    times.sort((a, b) => a.at - b.at || (a.kind & 1) - (b.kind & 1));
    const size = times.length + 1;
    this.#next = new Int32Array(size + 1);
    this.#previous = new Int32Array(size + 1);
    this.#kinds = new Int32Array(size + 1).fill(1);
    this.#callEntries = new Int32Array(calls.length);
    this.#returnEntries = new Int32Array(calls.length).fill(-1);
    for (let entry = 0; entry <= size; entry++) {
      this.#next[entry] = entry + 1;
      this.#previous[entry] = entry - 1;
    }
    times.forEach(({ kind }, i) => {
      this.#kinds[i + 1] = kind;
      ((kind & 1) === 0 ? this.#callEntries : this.#returnEntries)[kind >> 1] = i + 1;
    });
  }

  get first(): number {
    return this.#next[0] as number;
  }

  next(entry: number): number {
    return this.#next[entry] as number;
  }

  previous(entry: number): number {
    return this.#previous[entry] as number;
  }

  /** False for a return, and behind the last entry. */
  isCall(entry: number): boolean {
    return ((this.#kinds[entry] as number) & 1) === 0;
  }

  callOf(entry: number): number {
    return (this.#kinds[entry] as number) >> 1;
  }

  entryOf(index: number): number {
    return this.#callEntries[index] as number;
  }

  lift(index: number): void {
    this.#unlink(this.#callEntries[index] as number);
    const returned = this.#returnEntries[index] as number;
    if (returned >= 0) this.#unlink(returned);
  }

  unlift(index: number): void {
    const returned = this.#returnEntries[index] as number;
    if (returned >= 0) this.#link(returned);
    this.#link(this.#callEntries[index] as number);
  }

  #unlink(entry: number): void {
    const next = this.#next[entry] as number;
    const previous = this.#previous[entry] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #link(entry: number): void {
    this.#next[this.#previous[entry] as number] = entry;
    this.#previous[this.#next[entry] as number] = entry;
  }
}

/** Two random words for each call: splitmix32 of its number. */
function marksOf(count: number): Int32Array {
  const marks = new Int32Array(2 * count);
  let x = 0;
  for (let i = 0; i < marks.length; i++) {
    x = (x + 0x9e3779b9) | 0;
    let z = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    marks[i] = z ^ (z >>> 15);
  }
  return marks;
}
