import type { ConnectOptions, RpcClient, SrvRecord } from '@kvorum/client';

export type { SrvRecord };

/** Where text and bytes go. */
export interface Output {
  /** Whether a person looks at it: then colours and tables may be used. */
  readonly isTerminal: boolean;
  /** Columns of the terminal; undefined elsewhere. */
  readonly columns: number | undefined;
  /** File descriptor by which a program that a command starts writes there itself; undefined when it can't. */
  readonly descriptor: number | undefined;
  /** Writes all of it, in order; nobody waits for it. */
  write(data: string | Uint8Array): void;
  /** Resolves when the reader has taken enough of it that more may be written. */
  drained(): Promise<void>;
}

/** Standard input. */
export interface Input {
  readonly isTerminal: boolean;
  /** For one reader. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /**
   * Reads a line that is not shown, such as a password, after a prompt; needs a terminal. Rejects with `ExitError` after
   * Ctrl-C or at the end of the input.
   */
  readSecret(prompt: string): Promise<string>;
}

/** How lines are asked for. */
export interface LineEditorOptions {
  /** Earlier lines, the latest one last. */
  readonly history: readonly string[];
  /** The words that the unfinished last word of a line could become, and that word. */
  complete(line: string): Promise<readonly [readonly string[], string]>;
  /** Ctrl-C, while no line is asked for. */
  onInterrupt(): void;
}

/** Reads standard input line by line; on a terminal with editing, history and completion. */
export interface LineEditor extends Disposable {
  /**
   * The next line without its end; undefined at the end of the input, 'interrupted' after Ctrl-C. The prompt is
   * for terminals. Between two calls the terminal is as other programs want it.
   */
  next(prompt: string): Promise<{ readonly line: string } | 'interrupted' | undefined>;
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
  /** Reads lines of standard input, instead of `stdin`. */
  openLines(options: LineEditorOptions): LineEditor;
  /** The SRV records of a name, the preferred one first. Rejects with an `ErrnoException` of `node:dns`. */
  resolveSrv(name: string): Promise<readonly SrvRecord[]>;
  /** Loads the client when it is first wanted. Rejects with `ClientError` "configuration". */
  connect(options: ConnectOptions): Promise<RpcClient>;
}
