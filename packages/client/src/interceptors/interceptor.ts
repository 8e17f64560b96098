import type {
  DescMessage,
  DescMethod,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { CallOptions } from '../call-options.ts';
import type { MessageStream } from '../call-stream.ts';

/** What every interceptor learns of a call. */
export interface CallInfo<M extends DescMethod = DescMethod> {
  readonly service: DescService;
  readonly method: M;
  /** As the caller gave them; `metadata` goes to the server. */
  readonly options: CallOptions;
}

/** A call with one request and one answer, with all its attempts. */
export interface UnaryCall<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage>
  extends CallInfo<DescMethodUnary<I, O>> {
  readonly request: MessageShape<I>;
}

/** A call with messages one way or both. */
export type StreamCall = CallInfo;

/** The messages of a streaming call, both ways. The request of a call that only the server streams is sent on it. */
export type InterceptedStream = MessageStream<
  MessageInitShape<DescMessage>,
  MessageShape<DescMessage>
>;

/**
 * Comes between the user and the calls of a client: to look at them, to change them on their way, or to answer in the
 * server's place. `next` makes the call, and may be called several times or not at all. Interceptors run in the order
 * they are given in, the first around all others; retries happen inside of them.
 */
export interface Interceptor {
  /** Rejects with what the call shall fail with. */
  unary?(call: UnaryCall, next: NextUnary): Promise<MessageShape<DescMessage>>;
  /** Around one call with messages both ways. */
  stream?(call: StreamCall, next: NextStream): InterceptedStream;
}

/** Makes the call, or what is left of it to be made. Rejects with `ClientError`. */
export type NextUnary = <C extends UnaryCall>(call: C) => Promise<MessageShape<DescMessage>>;

/** The same for streams. */
export type NextStream = (call: StreamCall) => InterceptedStream;

/** Whether a call is one of this method, and its request the method's: `isCallOf(call, KV.method.put)`. */
export function isCallOf<I extends DescMessage, O extends DescMessage>(
  call: UnaryCall,
  method: DescMethodUnary<I, O>,
): call is UnaryCall<I, O> & UnaryCall {
  return call.method === (method as DescMethod);
}

/** The call with more metadata for the server. */
export function withMetadata<C extends CallInfo>(
  call: C,
  metadata: Iterable<readonly [string, string]>,
): C {
  const all = [...(call.options.metadata ?? []), ...metadata];
  return { ...call, options: { ...call.options, metadata: all } };
}

/** A unary call through all interceptors. */
export function interceptUnary(interceptors: readonly Interceptor[], last: NextUnary): NextUnary {
  return interceptors.reduceRight<NextUnary>((next, interceptor) => {
    if (interceptor.unary === undefined) return next;
    return async (call) => (await interceptor.unary?.(call, next)) as MessageShape<DescMessage>;
  }, last);
}

/** A streaming call through all interceptors. */
export function interceptStream(
  interceptors: readonly Interceptor[],
  last: NextStream,
): NextStream {
  return interceptors.reduceRight<NextStream>((next, interceptor) => {
    if (interceptor.stream === undefined) return next;
    return (call) => interceptor.stream?.(call, next) as InterceptedStream;
  }, last);
}
