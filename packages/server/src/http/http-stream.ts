/** Where the pieces of a body go. */
export interface HttpSink {
  /** Sends a piece; returns the number of bytes that the client has still to take. */
  write(piece: string): number;
  /** The body is complete. */
  end(): void;
}

/** An answer whose body comes whenever there is something to say. */
export interface HttpStream {
  readonly status: number;
  /** Names as etcd spells them; they are sent at once. */
  readonly headers: readonly (readonly [string, string])[];
  /** Begins the body; returns what is called when the client has left before its end. */
  open(sink: HttpSink): () => void;
}
