import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type MethodImpl,
} from '@connectrpc/connect';
import type { GrpcMethod, GrpcService, StreamMethod } from '../grpc/types.ts';
import { bridgeStream } from './bridged-stream.ts';
import { bridgeUnary } from './bridged-unary.ts';

/**
 * Routes for a Connect router that lead to the raw methods of a `GrpcServer`: the same handlers, behind
 * Connect's codecs. Methods of the services that `methods` lacks get no route. Their requests are parsed
 * and serialized once more, which is the price of Connect's codecs knowing messages alone.
 */
export function rawRoutes(
  services: readonly DescService[],
  methods: GrpcService,
): (router: ConnectRouter) => void {
  return (router) => {
    for (const service of services) {
      for (const method of service.methods) {
        const raw = methods.get(`/${service.typeName}/${method.name}`);
        if (raw !== undefined) router.rpc(method, implement(method, raw));
      }
    }
  };
}

/** Connect's types tie an implementation to its method's kind; the kind is looked at here instead. */
function implement<M extends DescMethod>(method: M, raw: GrpcMethod): MethodImpl<M> {
  return chooseImplementation(method, raw) as unknown as MethodImpl<M>;
}

function chooseImplementation(method: DescMethod, raw: GrpcMethod) {
  if (raw.kind === 'unary') {
    return (request: never, context: HandlerContext) => bridgeUnary(method, raw, request, context);
  }
  switch (method.methodKind) {
    case 'unary':
      return (request: never, context: HandlerContext) =>
        onlyResponse(method, raw, one(request), context);
    case 'server_streaming':
      return (request: never, context: HandlerContext) =>
        bridgeStream(method, raw, one(request), context);
    case 'client_streaming':
      return (requests: AsyncIterable<never>, context: HandlerContext) =>
        onlyResponse(method, raw, requests, context);
    case 'bidi_streaming':
      return (requests: AsyncIterable<never>, context: HandlerContext) =>
        bridgeStream(method, raw, requests, context);
  }
}

async function onlyResponse(
  method: DescMethod,
  raw: StreamMethod,
  requests: AsyncIterable<never>,
  context: HandlerContext,
): Promise<unknown> {
  let response: unknown;
  for await (const message of bridgeStream(method, raw, requests, context)) response = message;
  if (response === undefined) throw new ConnectError('no message was sent', Code.Internal);
  return response;
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}
