import type { ServerResponse } from 'node:http';

/** Counts the requests that are not answered yet, so that a server that stops can wait for them. */
export class OpenAnswers {
  #count = 0;
  #isDraining = false;
  readonly #drained = Promise.withResolvers<void>();

  /** Until the answer is complete or nobody is there to take it. */
  begin(response: ServerResponse): void {
    this.#count += 1;
    response.once('close', () => {
      this.#count -= 1;
      this.#look();
    });
  }

  /** Resolves when none is left; those that come meanwhile count too. */
  drain(): Promise<void> {
    this.#isDraining = true;
    this.#look();
    return this.#drained.promise;
  }

  #look(): void {
    if (this.#isDraining && this.#count === 0) this.#drained.resolve();
  }
}
