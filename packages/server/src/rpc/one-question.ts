import type { Message, StreamCall, StreamReceiver } from '@kvorum/h2';
import { statusOf } from './method.ts';

/** The caller's side of a call with one question. */
export interface Answers {
  /** Fires when the caller has gone. */
  readonly gone: AbortSignal;
  /** Resolves when there is room for the next answer, or nobody to send it to. */
  send(message: Message): Promise<void>;
}

/** A call with one question and any number of answers: it ends as the promise of what answers it does. */
export class OneQuestion implements StreamReceiver {
  readonly #call: StreamCall;
  readonly #answer: (question: Uint8Array, answers: Answers) => Promise<void>;
  readonly #gone = new AbortController();
  #hasBegun = false;
  #isOver = false;
  #drained: (() => void) | undefined;

  constructor(call: StreamCall, answer: (question: Uint8Array, answers: Answers) => Promise<void>) {
    this.#call = call;
    this.#answer = answer;
  }

  onMessage(message: Uint8Array): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const answers = { gone: this.#gone.signal, send: (answer: Message) => this.#send(answer) };
    this.#answer(message, answers).then(
      () => this.#end(),
      (error: unknown) => {
        const { status, text } = statusOf(error, 'stream');
        this.#end(status, text);
      },
    );
  }

  onHalfClose(): void {}

  onDrain(): void {
    this.#drained?.();
  }

  onAbort(): void {
    this.#isOver = true;
    this.#gone.abort();
    this.#drained?.();
  }

  async #send(message: Message): Promise<void> {
    if (this.#isOver || this.#call.send(message)) return;
    // The call may have been ended by what it sent.
    if (this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    this.#drained = undefined;
  }

  #end(status?: number, text?: string): void {
    this.#isOver = true;
    this.#call.end(status, text);
    // Whoever is still waiting to send has nobody left to send to.
    this.#drained?.();
  }
}
