import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchRequestSchema, WatchResponse } from '@kvorum/api';
import type { TestClient } from './client.ts';

type Request = MessageInitShape<typeof WatchRequestSchema>;
type RequestUnion = NonNullable<Request['requestUnion']>;

/** One Watch call: requests go out as they are sent, each response is handed over as it comes. */
export class WatchStream {
  /** Resolves, never rejects, with the error that ended the stream; undefined when its end was clean. */
  readonly ended: Promise<unknown>;
  readonly #queue: Request[] = [];
  readonly #abort = new AbortController();
  #wake = Promise.withResolvers<void>();

  constructor(
    client: TestClient,
    onResponse: (response: WatchResponse) => void,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.ended = this.#run(client, onResponse, headers);
  }

  send(requestUnion: RequestUnion): void {
    this.#queue.push({ requestUnion });
    const waiting = this.#wake;
    this.#wake = Promise.withResolvers();
    waiting.resolve();
  }

  /** Cancels the call. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }

  async #run(
    client: TestClient,
    onResponse: (response: WatchResponse) => void,
    headers: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    try {
      const { signal } = this.#abort;
      for await (const response of client.watch.watch(this.#requests(), { signal, headers })) {
        onResponse(response);
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      // Also ends the generator of requests.
      this.#abort.abort();
    }
  }

  async *#requests(): AsyncGenerator<Request> {
    const aborted = new Promise<void>((resolve) => {
      this.#abort.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!this.#abort.signal.aborted) {
      const next = this.#queue.shift();
      if (next === undefined) await Promise.race([this.#wake.promise, aborted]);
      else yield next;
    }
  }
}
