import type { HeaderFields } from '@kvorum/h2';
import type { GatewayExchange } from '../exchange.ts';

/** A request without a connection: its body is said and its answer taken by hand. */
export class MemoryExchange implements GatewayExchange {
  readonly method = 'POST';
  readonly path: string;
  readonly scheme = 'http';
  readonly authority = 'here';
  readonly peer = 'a test';
  status: number | undefined;
  readonly #headers: ReadonlyMap<string, string>;
  #pieces: (Uint8Array | undefined)[] = [];
  #wakeBody: (() => void) | undefined;
  #answer: AsyncIterator<Uint8Array> | undefined;
  readonly #answered = Promise.withResolvers<void>();
  #leave: (() => void) | undefined;

  constructor(path: string, headers: Readonly<Record<string, string>> = {}) {
    this.path = path;
    this.#headers = new Map(Object.entries(headers));
  }

  readonly headers = {
    get: (name: string): string | undefined => this.#headers.get(name),
    getAll: (name: string): readonly string[] => {
      const value = this.#headers.get(name);
      return value === undefined ? [] : [value];
    },
    entries: (): Iterable<[string, string]> => this.#headers.entries(),
  };

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  allowSilence(): void {}

  onAbort(callback: () => void): void {
    this.#leave = callback;
  }

  async respond(
    status: number,
    _headers: HeaderFields,
    body: Uint8Array | AsyncIterable<Uint8Array> = new Uint8Array(0),
  ): Promise<void> {
    this.status = status;
    const pieces = body instanceof Uint8Array ? oneOf(body) : body;
    this.#answer = pieces[Symbol.asyncIterator]();
    this.#answered.resolve();
  }

  /** More of the body; undefined is its end. */
  say(text: string | undefined): void {
    this.#pieces.push(text === undefined ? undefined : Buffer.from(text));
    this.#wakeBody?.();
  }

  /** The next piece of the answer; undefined at its end. */
  async take(): Promise<string | undefined> {
    await this.#answered.promise;
    const next = await this.#answer?.next();
    return next === undefined || next.done === true
      ? undefined
      : Buffer.from(next.value).toString();
  }

  /** The client hangs up. */
  leave(): void {
    this.#leave?.();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#pieces.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeBody = resolve;
        });
      }
      const piece = this.#pieces.shift();
      if (piece === undefined) return;
      yield piece;
    }
  }
}

async function* oneOf(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
}
