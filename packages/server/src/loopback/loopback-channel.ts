import { grpcStatus } from '@kvorum/api';
import {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelReceiver,
  type ChannelStream,
  type Endpoint,
} from '@kvorum/client';
import type { AbortReason, GrpcService, Message, UnaryCall } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import { joined, LoopbackCall, type OuterCall } from './loopback-call.ts';
import { LoopbackStream } from './loopback-stream.ts';

export interface LoopbackOptions {
  readonly endpoint: Endpoint;
  readonly methods: GrpcService;
  readonly outer: OuterCall;
  readonly clock: Clock;
}

/** The way of a member to its own methods: a client over it works as one over the network, without any. */
export class LoopbackChannel implements Channel {
  readonly endpoint: Endpoint;
  readonly state = 'ready';
  readonly #options: LoopbackOptions;
  readonly #closed = new AbortController();

  constructor(options: LoopbackOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
  }

  unary(path: string, request: Uint8Array, options: ChannelCallOptions): Promise<Uint8Array> {
    const { methods, outer, clock } = this.#options;
    const method = methods.get(path);
    if (method?.kind !== 'unary') return Promise.reject(unknownMethod(path));
    const call = new LoopbackUnary(path, this.#withClose(options), outer, clock);
    if (!call.aborted) method.handle(request, call);
    return call.answer;
  }

  stream(path: string, receiver: ChannelReceiver, options: ChannelCallOptions): ChannelStream {
    const { methods, outer, clock } = this.#options;
    const method = methods.get(path);
    if (method?.kind !== 'stream') throw unknownMethod(path);
    const call = new LoopbackStream(path, this.#withClose(options), outer, clock, receiver);
    queueMicrotask(() => call.begin(method));
    return call.callersEnd;
  }

  retire(): void {}

  close(): void {
    this.#closed.abort();
  }

  #withClose(options: ChannelCallOptions): ChannelCallOptions {
    const { signal } = this.#closed;
    const either =
      options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]);
    return { ...options, signal: either };
  }
}

class LoopbackUnary extends LoopbackCall implements UnaryCall {
  readonly #answer = Promise.withResolvers<Uint8Array>();
  #abortReason: AbortReason | undefined;
  #tellAbort: ((reason: AbortReason) => void) | undefined;

  constructor(path: string, options: ChannelCallOptions, outer: OuterCall, clock: Clock) {
    super(path, options, outer, clock);
    if (this.isRefused) this.cancel();
  }

  get answer(): Promise<Uint8Array> {
    return this.#answer.promise;
  }

  onAbort(callback: (reason: AbortReason) => void): void {
    if (this.#abortReason !== undefined) callback(this.#abortReason);
    else this.#tellAbort = callback;
  }

  /** A copy: what an answer is made of may be shared with others. */
  reply(message: Message): void {
    if (this.finish()) this.#answer.resolve(Uint8Array.from(joined(message)));
  }

  fail(status: number, text: string): void {
    if (this.finish()) this.#answer.reject(new CallFailure(status, text, false));
  }

  protected override onAborted(reason: AbortReason, failure: CallFailure): void {
    this.#abortReason = reason;
    this.#answer.reject(failure);
    this.#tellAbort?.(reason);
  }
}

function unknownMethod(path: string): CallFailure {
  const [, service = '', method = ''] = path.split('/');
  const text = `unknown method ${method} for service ${service}`;
  return new CallFailure(grpcStatus.unimplemented, text, true);
}
