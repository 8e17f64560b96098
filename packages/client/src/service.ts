import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { CallOptions } from './call-options.ts';
import { CallStream, type MessageStream, type ResponseStream } from './call-stream.ts';
import type { Caller } from './caller.ts';
import {
  type CallInfo,
  type InterceptedStream,
  type Interceptor,
  interceptStream,
  interceptUnary,
  type UnaryCall,
} from './interceptors/interceptor.ts';

/** The methods of a service as functions: requests and answers are the messages of @kvorum/api. */
export type ServiceClient<S extends DescService> = {
  readonly [M in keyof S['method']]: MethodClient<S['method'][M]>;
};

type MethodClient<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => ResponseStream<MessageShape<O>>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? (options?: CallOptions) => MessageStream<MessageInitShape<I>, MessageShape<O>>
        : never;

/** The fields of any message. */
type Fields = Record<string, unknown>;

/**
 * Functions for all methods of a service. Unary ones reject with `ClientError`, streams throw it to their reader.
 * `interceptors` are those of the moment.
 */
export function serviceClient<S extends DescService>(
  service: S,
  caller: Caller,
  interceptors: () => readonly Interceptor[],
): ServiceClient<S> {
  const methods: Record<string, unknown> = {};
  for (const method of service.methods) {
    const open = (options: CallOptions = {}): InterceptedStream => {
      const call = { service, method, options };
      return interceptStream(interceptors(), (last) => openStream(caller, last))(call);
    };
    switch (method.methodKind) {
      case 'unary':
        methods[method.localName] = unaryMethod(
          service,
          method as DescMethodUnary,
          caller,
          interceptors,
        );
        break;
      case 'server_streaming':
        methods[method.localName] = (request: Fields, options?: CallOptions) => {
          const stream = open(options);
          stream.send(request);
          stream.halfClose();
          return stream;
        };
        break;
      default:
        methods[method.localName] = open;
    }
  }
  return methods as ServiceClient<S>;
}

function unaryMethod(
  service: DescService,
  method: DescMethodUnary,
  caller: Caller,
  interceptors: () => readonly Interceptor[],
) {
  const last = (call: UnaryCall) => makeCall(caller, call);
  return async (fields: Fields, options: CallOptions = {}) => {
    const request = create(method.input, fields);
    const call = { service, method, request, options };
    const those = interceptors();
    return await (those.length === 0 ? last(call) : interceptUnary(those, last)(call));
  };
}

async function makeCall(
  caller: Caller,
  { service, method, request, options }: UnaryCall,
): Promise<MessageShape<DescMessage>> {
  const path = `/${service.typeName}/${method.name}`;
  const answer = await caller.unary(path, toBinary(method.input, request), options);
  return fromBinary(method.output, answer);
}

function openStream(caller: Caller, { service, method, options }: CallInfo): InterceptedStream {
  const path = `/${service.typeName}/${method.name}`;
  const read = (bytes: Uint8Array) => fromBinary(method.output, bytes);
  return new CallStream(caller, path, method.input, read, options);
}

/** A unary call of serialized messages through interceptors, which see them as messages. Rejects with `ClientError`. */
export async function interceptBytes(
  caller: Caller,
  interceptors: readonly Interceptor[],
  { service, method }: { readonly service: DescService; readonly method: DescMethodUnary },
  bytes: Uint8Array,
  options: CallOptions,
): Promise<Uint8Array> {
  const call = { service, method, request: fromBinary(method.input, bytes), options };
  const answer = await interceptUnary(interceptors, (last) => makeCall(caller, last))(call);
  return toBinary(method.output, answer);
}

/**
 * A streaming call through interceptors, which see messages, for a caller whose own `read` reads them from bytes. Streams
 * throw `ClientError` to their reader.
 */
export function interceptReading<I extends DescMessage, O>(
  caller: Caller,
  interceptors: readonly Interceptor[],
  { service, method }: { readonly service: DescService; readonly method: DescMethod },
  read: (message: Uint8Array) => O,
  options: CallOptions,
): MessageStream<MessageInitShape<I>, O> {
  const call = { service, method, options };
  const stream = interceptStream(interceptors, (last) => openStream(caller, last))(call);
  const readAgain = (message: MessageShape<DescMessage>) => read(toBinary(method.output, message));
  async function* batches(): AsyncGenerator<readonly O[], void, undefined> {
    for await (const messages of stream.batches()) yield messages.map(readAgain);
  }
  return {
    send: (message) => stream.send(message as Fields),
    halfClose: () => stream.halfClose(),
    cancel: () => stream.cancel(),
    batches,
    async *[Symbol.asyncIterator]() {
      for await (const messages of batches()) yield* messages;
    },
  };
}
