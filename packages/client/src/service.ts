import {
  create,
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

/** Functions for all methods of a service. Unary ones reject with `ClientError`, streams throw it to their reader. */
export function serviceClient<S extends DescService>(service: S, caller: Caller): ServiceClient<S> {
  const methods: Record<string, unknown> = {};
  for (const method of service.methods) {
    const { input, output } = method;
    const path = `/${service.typeName}/${method.name}`;
    const open = (options: CallOptions = {}) =>
      new CallStream(caller, path, input, output, options);
    switch (method.methodKind) {
      case 'unary':
        methods[method.localName] = async (request: Fields, options: CallOptions = {}) => {
          const bytes = toBinary(input, create(input, request));
          return fromBinary(output, await caller.unary(path, bytes, options));
        };
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
