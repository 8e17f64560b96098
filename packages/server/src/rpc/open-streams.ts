/** A stream that has no end of its own and must be told when the member stops. */
export interface EndlessStream {
  /** Ends the call with the status of a member that stops. */
  stop(): void;
}

/** The streams of a member that last until somebody ends them. */
export class OpenStreams {
  readonly #streams = new Set<EndlessStream>();

  add(stream: EndlessStream): void {
    this.#streams.add(stream);
  }

  delete(stream: EndlessStream): void {
    this.#streams.delete(stream);
  }

  /** Ends all of them, so that connections can close at once. */
  stopAll(): void {
    for (const stream of [...this.#streams]) stream.stop();
  }
}
