import { grpcStatus } from '@kvorum/api';
import {
  CallFailure,
  type ChannelReceiver,
  type ChannelStream,
  ConnectFailure,
  type MetadataFields,
} from '../channel.ts';
import type { Timers } from '../timers.ts';
import {
  FrameReader,
  frameMessages,
  type StatusInHeaders,
  statusIn,
  statusOfHttp,
  timeoutHeader,
} from './grpc-web.ts';

/** As in browsers, but for what this package does not use of it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What all calls of a channel are made with. */
export interface WebCallEnvironment {
  readonly fetch: Fetch;
  readonly timers: Timers;
  /** The largest message taken, in bytes. */
  readonly maxReceiveBytes: number;
  /** Resolves when the server is known to be there. Rejects with `CallFailure`. */
  readonly reach: () => Promise<void>;
}

/** One call whose messages are all there. */
export interface WebRequest {
  readonly url: string;
  readonly messages: readonly Uint8Array[];
  readonly metadata: MetadataFields;
  /** Milliseconds from now; undefined: no limit. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Told what comes back. */
export interface WebReceiver extends ChannelReceiver {
  /** Somebody has answered, well or not. */
  onReached?(): void;
}

/** What a caller can do to a call after it has said everything. */
export type RunningCall = Pick<ChannelStream, 'cancel' | 'pause' | 'resume'>;

/** How much of an answer that is not gRPC's is shown, in characters. */
const shownCharacters = 200;

/** One call by gRPC-Web over fetch: the whole request at once, the response as it comes. It begins when it is made. */
export class WebCall implements RunningCall {
  readonly #environment: WebCallEnvironment;
  readonly #receiver: WebReceiver;
  readonly #controller = new AbortController();
  readonly #cleanUp: (() => void)[] = [];
  #hasEnded = false;
  #resumed: Promise<void> | undefined = undefined;
  #resume: () => void = () => {};

  constructor(environment: WebCallEnvironment, request: WebRequest, receiver: WebReceiver) {
    this.#environment = environment;
    this.#receiver = receiver;
    const { timeoutMs, signal } = request;
    if (timeoutMs !== undefined) {
      const expire = () => this.#end(failed(grpcStatus.deadlineExceeded, 'no answer in time'));
      this.#cleanUp.push(environment.timers.after(timeoutMs, expire));
    }
    if (signal !== undefined) {
      const cancel = () => this.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      this.#cleanUp.push(() => signal.removeEventListener('abort', cancel));
    }
    void this.#run(request);
  }

  cancel(): void {
    this.#end(failed(grpcStatus.canceled, 'the call was cancelled'));
  }

  pause(): void {
    if (this.#resumed !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resumed = promise;
    this.#resume = resolve;
  }

  resume(): void {
    this.#resumed = undefined;
    this.#resume();
  }

  async #run(request: WebRequest): Promise<void> {
    let response: Response;
    try {
      await this.#environment.reach();
      if (request.signal?.aborted === true) this.cancel();
      if (this.#hasEnded) return;
      response = await this.#environment.fetch(request.url, this.#init(request));
    } catch (error) {
      this.#end(error instanceof CallFailure ? error : unreachable(request.url, error));
      return;
    }
    if (this.#hasEnded) return;
    this.#receiver.onReached?.();
    try {
      this.#end(await this.#outcomeOf(response));
    } catch (error) {
      const isOurs = error instanceof CallFailure;
      this.#end(isOurs ? error : failed(grpcStatus.unavailable, `the answer broke off: ${error}`));
    }
  }

  #init({ messages, metadata, timeoutMs }: WebRequest): RequestInit {
    const headers = new Headers({
      'content-type': 'application/grpc-web+proto',
      'x-grpc-web': '1',
    });
    for (const [name, value] of metadata) headers.append(name, value);
    if (timeoutMs !== undefined) headers.set('grpc-timeout', timeoutHeader(timeoutMs));
    const { signal } = this.#controller;
    return { method: 'POST', headers, body: frameMessages(messages), signal };
  }

  async #outcomeOf(response: Response): Promise<CallFailure | undefined> {
    const inHeaders = statusIn((name) => response.headers.get(name));
    if (inHeaders instanceof CallFailure) return inHeaders;
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok || !type.startsWith('application/grpc-web')) return await refusal(response);
    const inTrailers: { status: StatusInHeaders } = { status: inHeaders };
    const frames = new FrameReader(this.#environment.maxReceiveBytes, {
      onMessage: (message) => {
        if (!this.#hasEnded) this.#receiver.onMessage(message);
      },
      onTrailers: (trailers) => {
        inTrailers.status = statusIn((name) => trailers.get(name));
      },
    });
    await this.#read(response, frames);
    const { status } = inTrailers;
    if (status instanceof CallFailure) return status;
    if (status === 'ok' && !frames.isCut) return undefined;
    return failed(grpcStatus.unavailable, 'the answer broke off');
  }

  async #read(response: Response, frames: FrameReader): Promise<void> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    for (;;) {
      while (this.#resumed !== undefined) await this.#resumed;
      const { done, value } = await reader.read();
      if (done || this.#hasEnded) return;
      frames.push(value);
    }
  }

  #end(failure: CallFailure | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const undo of this.#cleanUp) undo();
    this.resume();
    if (failure !== undefined) this.#controller.abort();
    this.#receiver.onEnd(failure);
  }
}

function failed(status: number, text: string): CallFailure {
  return new CallFailure(status, text, false);
}

/** Browsers do not say why: nobody there, a broken connection, and a refusal by CORS look the same to a page. */
function unreachable(url: string, cause: unknown): CallFailure {
  const { origin } = new URL(url);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `${origin} cannot be reached (${reason}); is it up, and does it allow this page's origin (--cors)?`;
  const connect = new ConnectFailure('connect', text, cause);
  return new CallFailure(grpcStatus.unavailable, text, false, connect);
}

async function refusal(response: Response): Promise<CallFailure> {
  const type = response.headers.get('content-type') ?? 'nothing';
  const status = response.ok ? grpcStatus.unknown : statusOfHttp(response.status);
  const body = (await response.text()).slice(0, shownCharacters).trim();
  const text = `expected gRPC-Web, but got HTTP ${response.status} with ${type}: ${body}`;
  return failed(status, text);
}
