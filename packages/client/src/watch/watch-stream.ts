import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchCreateRequestSchema, WatchRequestSchema } from '@kvorum/api';
import type { MessageStream } from '../call-stream.ts';
import type { Timers } from '../timers.ts';
import type { WatchAnswer } from './watch-answer.ts';

/** The call that watches go over. */
export type WatchCall = MessageStream<MessageInitShape<typeof WatchRequestSchema>, WatchAnswer>;

/** After so much silence the server is asked how far it is, in ms. It owes no answer: a watch may be behind. */
const silenceMs = 10_000;
/**
 * What no answer comes to within so many ms is followed by a watch that nobody needs, which is always answered; and
 * when this is not either, nobody is there.
 */
const answerMs = 5000;
/** How often watches on a busy stream are told how far they are, though they see no events, in ms. */
const progressIntervalMs = 60_000;

/** A stream of watch messages that is silent for a bounded time only, as long as the server is there. */
export class WatchStream {
  readonly #call: WatchCall;
  readonly #timers: Timers;
  readonly #probe: () => void;
  readonly #onDead: () => void;
  #heardAt: number;
  #progressAskedAt: number;
  #asked: 'nothing' | 'progress' | 'probe' = 'nothing';
  #askedAt = 0;
  #callOff: () => void = () => {};
  #isClosed = false;
  /** Questions about progress that were not answered; some never are. */
  #openQuestions = 0;

  /** `probe` makes a watch that nobody needs; `onDead` is called once, when the server does not answer to it. */
  constructor(call: WatchCall, timers: Timers, probe: () => void, onDead: () => void) {
    this.#call = call;
    this.#timers = timers;
    this.#probe = probe;
    this.#onDead = onDead;
    this.#heardAt = timers.now();
    this.#progressAskedAt = this.#heardAt;
    this.#arm();
  }

  /** What the server sends; rejects, as an iterator, with `ClientError`. Whoever reads tells of each by `heard`. */
  batches(): AsyncGenerator<readonly WatchAnswer[]> {
    return this.#call.batches();
  }

  /** The server is there. A call of its own: a generator around the call's would cost as much as what it gives. */
  heard(): void {
    this.#heardAt = this.#timers.now();
    this.#asked = 'nothing';
  }

  create(value: MessageInitShape<typeof WatchCreateRequestSchema>): void {
    this.#call.send({ requestUnion: { case: 'createRequest', value } });
  }

  cancel(watchId: bigint): void {
    this.#call.send({ requestUnion: { case: 'cancelRequest', value: { watchId } } });
  }

  get openQuestions(): number {
    return this.#openQuestions;
  }

  /** Asks how far all watches of the stream are. While one is behind there is no answer. */
  askProgress(): void {
    this.#progressAskedAt = this.#timers.now();
    this.#openQuestions += 1;
    this.#call.send({ requestUnion: { case: 'progressRequest', value: {} } });
  }

  onProgressAnswered(): void {
    this.#openQuestions = Math.max(0, this.#openQuestions - 1);
  }

  close(): void {
    this.#isClosed = true;
    this.#callOff();
    this.#call.cancel();
  }

  /** One timer, which looks what the silence since asks for: not one for each message. */
  #arm(): void {
    if (this.#isClosed) return;
    const next = Math.min(this.#patienceEndsAt, this.#progressAskedAt + progressIntervalMs);
    const delayMs = Math.max(1, Math.ceil(next - this.#timers.now()));
    this.#callOff = this.#timers.after(delayMs, () => this.#onTimer());
  }

  get #patienceEndsAt(): number {
    // Counted from the question: a process that was held still has not read what came meanwhile.
    return this.#asked === 'nothing' ? this.#heardAt + silenceMs : this.#askedAt + answerMs;
  }

  #onTimer(): void {
    const now = this.#timers.now();
    if (now >= this.#patienceEndsAt) {
      if (this.#asked === 'probe') {
        this.#onDead();
        return;
      }
      this.#askedAt = now;
      if (this.#asked === 'nothing') {
        this.#asked = 'progress';
        this.askProgress();
      } else {
        this.#asked = 'probe';
        this.#probe();
      }
    } else if (now >= this.#progressAskedAt + progressIntervalMs) {
      this.askProgress();
    }
    this.#arm();
  }
}
