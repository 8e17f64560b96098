import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchCreateRequestSchema, WatchResponse } from '@kvorum/api';
import { ClientError, type RpcClient } from '@kvorum/client';
import type { Host } from '../../host.ts';
import { pause } from '../../pause.ts';

/** Wait before a watch that was lost is asked for again, in ms. */
const retryMs = 500;

/** One watch that goes on after its stream was lost, from the revision after the last one seen. */
export class ResumingWatch {
  readonly #client: RpcClient;
  readonly #host: Pick<Host, 'after'>;
  readonly #request: MessageInitShape<typeof WatchCreateRequestSchema>;
  #stream: ReturnType<RpcClient['watch']['watch']> | undefined = undefined;
  #isStopped = false;

  constructor(
    client: RpcClient,
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

  /**
   * Answers with events, progress or the end; all but the first confirmation. Ends after a cancelled one, and when the
   * signal fires, or has fired before. Who leaves the loop stops the watch.
   */
  async *responses(signal?: AbortSignal): AsyncGenerator<WatchResponse> {
    const stop = () => this.stop();
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    try {
      yield* this.#untilStopped();
    } finally {
      signal?.removeEventListener('abort', stop);
      stop();
    }
  }

  async *#untilStopped(): AsyncGenerator<WatchResponse> {
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
      if (!this.#isStopped) await pause(this.#host, retryMs);
    }
  }
}
