import type { Client, ConnectOptions } from '@kvorum/client';

/** Where text and bytes go. */
export interface Output {
  /** Whether a person looks at it: then colours and tables may be used. */
  readonly isTerminal: boolean;
  /** Columns of the terminal; undefined elsewhere. */
  readonly columns: number | undefined;
  write(data: string | Uint8Array): void;
  /** Resolves when the reader has taken enough of it that more may be written. */
  drained(): Promise<void>;
}

/** Standard input. */
export interface Input {
  readonly isTerminal: boolean;
  /** For one reader. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Reads a line that is not shown, such as a password, after a prompt; needs a terminal. */
  readSecret(prompt: string): Promise<string>;
}

/** All that a command reaches of the world besides files and servers: the process, time and randomness. */
export interface Host {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Milliseconds since any fixed moment, with a fraction. */
  now(): number;
  /** Milliseconds since 1970. */
  wallClock(): number;
  /** Calls back once; gives back what calls it off. */
  after(delayMs: number, callback: () => void): () => void;
  /** Numbers in [0, 1). */
  random(): number;
  /** Fires at SIGINT or SIGTERM, which then no longer end the process; a second one does. */
  interrupted(): AbortSignal;
  /** Loads the client when it is first wanted. Rejects with `ClientError` "configuration". */
  connect(options: ConnectOptions): Promise<Client>;
}
