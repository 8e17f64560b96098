import { EtcdError } from '@kvorum/api';
import type { ReadState } from '@kvorum/raft';

/** A read that waits until the member is known to be up to date. Exactly one of its calls is made. */
export interface PendingRead {
  run(): void;
  fail(error: EtcdError): void;
}

interface WaitingRead {
  readonly read: PendingRead;
  readonly askedAtMs: number;
}

/** Reads that were asked for together, and the index they wait for once it is known. */
interface Round {
  readonly reads: readonly WaitingRead[];
  /** The questions that were asked for them: any answer to one of these is good. */
  readonly firstQuestion: number;
  lastQuestion: number;
  askedAtMs: number;
}

/** A question or its answer may be lost; etcd asks again after the same time. */
const ASK_AGAIN_AFTER_MS = 500;
/** Reads that may wait at a time; more are refused. Each is a small closure. */
const MAX_READS = 100_000;

/**
 * Linearizable reads: all that come while a question to the leader is under way share the next one (Raft dissertation
 * §6.4), and run when the index that was the answer has been applied.
 */
export class ReadRounds {
  readonly #ask: (context: Uint8Array) => void;
  #waiting: WaitingRead[] = [];
  #round: Round | undefined;
  /** Confirmed reads whose index is not applied yet, by ascending index. */
  #confirmed: { readonly index: number; readonly reads: readonly WaitingRead[] }[] = [];
  #count = 0;
  #question: number;

  /**
   * `ask` asks raft for the index of a read. `random`, uniform in [0, 1), numbers the first question: an answer to one
   * of this member's former life must not be taken for an answer to this one's.
   */
  constructor(ask: (context: Uint8Array) => void, random: () => number) {
    this.#ask = ask;
    this.#question = Math.floor(random() * 2 ** 52);
  }

  /** Whether reads wait that no question is under way for. */
  get wantsRound(): boolean {
    return this.#round === undefined && this.#waiting.length > 0;
  }

  /** Throws `EtcdError` tooManyRequests. */
  add(read: PendingRead, nowMs: number): void {
    if (this.#count >= MAX_READS) throw new EtcdError('tooManyRequests');
    this.#count++;
    this.#waiting.push({ read, askedAtMs: nowMs });
  }

  /** Asks for all that wait, unless a question is under way. */
  begin(nowMs: number): void {
    if (!this.wantsRound) return;
    const question = this.#question + 1;
    const reads = this.#waiting;
    this.#waiting = [];
    this.#round = { reads, firstQuestion: question, lastQuestion: question, askedAtMs: nowMs };
    this.#askNext();
  }

  /** Asks again: the leader has changed, or there was no answer for a while. */
  repeat(nowMs: number): void {
    const round = this.#round;
    if (round === undefined) return;
    round.askedAtMs = nowMs;
    round.lastQuestion = this.#question + 1;
    this.#askNext();
  }

  /** Takes the answers; what is applied already runs at once. */
  answered(states: readonly ReadState[], appliedIndex: number): void {
    for (const { context, index } of states) {
      const question = questionOf(context);
      const round = this.#round;
      if (round === undefined || question === undefined) continue;
      if (question < round.firstQuestion || question > round.lastQuestion) continue;
      this.#round = undefined;
      this.#confirmed.push({ index, reads: round.reads });
    }
    this.applied(appliedIndex);
  }

  /** Everything up to `index` is applied: the reads that waited for it run. */
  applied(index: number): void {
    for (;;) {
      const first = this.#confirmed[0];
      if (first === undefined || first.index > index) return;
      this.#confirmed.shift();
      this.#runAll(first.reads);
    }
  }

  /** This member needs nobody's word: everything that waits runs. */
  runWaiting(): void {
    const reads = [...(this.#round?.reads ?? []), ...this.#waiting];
    this.#round = undefined;
    this.#waiting = [];
    this.#runAll(reads);
  }

  /** Repeats a question that got no answer, and fails the reads that have waited since before `beforeMs`. */
  tick(nowMs: number, beforeMs: number, error: EtcdError): void {
    const expired = (read: WaitingRead) => read.askedAtMs < beforeMs;
    if (this.#waiting.some(expired)) {
      this.#failAll(this.#waiting.filter(expired), error);
      this.#waiting = this.#waiting.filter((read) => !expired(read));
    }
    const round = this.#round;
    if (round?.reads.every(expired) === true) {
      this.#round = undefined;
      this.#failAll(round.reads, error);
    } else if (round !== undefined && nowMs - round.askedAtMs >= ASK_AGAIN_AFTER_MS) {
      this.repeat(nowMs);
    }
    while (this.#confirmed[0]?.reads.every(expired) === true) {
      this.#failAll(this.#confirmed.shift()?.reads ?? [], error);
    }
  }

  /** Fails everything; for the end. */
  fail(error: EtcdError): void {
    const confirmed = this.#confirmed.flatMap(({ reads }) => reads);
    const reads = [...confirmed, ...(this.#round?.reads ?? []), ...this.#waiting];
    this.#confirmed = [];
    this.#round = undefined;
    this.#waiting = [];
    this.#failAll(reads, error);
  }

  #askNext(): void {
    this.#question += 1;
    const context = new Uint8Array(8);
    new DataView(context.buffer).setFloat64(0, this.#question);
    this.#ask(context);
  }

  #runAll(reads: readonly WaitingRead[]): void {
    this.#count -= reads.length;
    for (const { read } of reads) read.run();
  }

  #failAll(reads: readonly WaitingRead[], error: EtcdError): void {
    this.#count -= reads.length;
    for (const { read } of reads) read.fail(error);
  }
}

function questionOf(context: Uint8Array): number | undefined {
  if (context.length !== 8) return undefined;
  return new DataView(context.buffer, context.byteOffset, 8).getFloat64(0);
}
