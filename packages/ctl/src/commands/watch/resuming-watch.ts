import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchCreateRequestSchema, WatchResponse } from '@kvorum/api';
import { type Client, ClientError } from '@kvorum/client';
import type { Host } from '../../host.ts';

/** Wait before a watch that was lost is asked for again, in ms. */
const retryMs = 500;

/** One watch that goes on after its stream was lost, from the revision after the last one seen. */
export class ResumingWatch {
  readonly #client: Client;
  readonly #host: Pick<Host, 'after'>;
  readonly #request: MessageInitShape<typeof WatchCreateRequestSchema>;
  #stream: ReturnType<Client['watch']['watch']> | undefined = undefined;
  #isStopped = false;

  constructor(
    client: Client,
    host: Pick<Host, 'after'>,
    request: MessageInitShape<typeof WatchCreateRequestSchema>,
  ) {
    this.#client = client;
    this.#host = host;
    this.#request = request;
  }

  /** Asks the server how far it is; the answer comes like events do. */
  requestProgress(): void {
    this.#stream?.send({ requestUnion: { case: 'progressRequest', value: {} } });
  }

  stop(): void {
    this.#isStopped = true;
    this.#stream?.cancel();
  }

  /** Answers with events, progress or the end; all but the first confirmation. Ends after a cancelled one. */
  async *responses(): AsyncGenerator<WatchResponse> {
    let startRevision = this.#request.startRevision ?? 0n;
    while (!this.#isStopped) {
      const stream = this.#client.watch.watch({ requireLeader: true });
      this.#stream = stream;
      const value = { ...this.#request, startRevision };
      stream.send({ requestUnion: { case: 'createRequest', value } });
      try {
        for await (const response of stream) {
          const revision = response.header?.revision ?? 0n;
          const isConfirmation = response.created && !response.canceled;
          if (isConfirmation && startRevision <= 0n) startRevision = revision + 1n;
          const last = response.events.at(-1)?.kv?.modRevision;
          if (last !== undefined) startRevision = last + 1n;
          if (!isConfirmation) yield response;
          if (response.canceled) return;
        }
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        if (!error.retryable) throw error;
      }
      if (!this.#isStopped) await new Promise<void>((done) => void this.#host.after(retryMs, done));
    }
  }
}
