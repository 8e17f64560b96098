import { create } from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import { invokeUnaryImplementation } from '@connectrpc/connect/protocol';
import type { UnaryCall, UnaryMethod } from '../grpc/types.ts';
import type { CallContext } from './call-context.ts';
import { addErrorMetadata, detailsOf, errorOfHandler } from './connect-status.ts';
import { isBinaryCall, type RoutedMethod } from './routed-method.ts';

type UnarySpec = Extract<MethodImplSpec, { kind: 'unary' }>;
type Output = ReturnType<UnarySpec['impl']>;

/** A router's unary method as one of a `GrpcServer`: no streams, no iterables, one promise if it makes one. */
export function unaryMethod(routed: RoutedMethod, spec: UnarySpec): UnaryMethod {
  return {
    kind: 'unary',
    handle: (request, call) => {
      const context = routed.context(call);
      call.onAbort((reason) => context.abort(reason));
      const isBinary = isBinaryCall(call);
      const fail = (thrown: unknown) => failCall(call, context, thrown);
      const reply = (output: Awaited<Output>) => {
        let message: Uint8Array;
        try {
          const { serialization } = routed;
          message = serialization.getO(isBinary).serialize(create(spec.method.output, output));
        } catch (error) {
          fail(error);
          return;
        }
        call.setHeaders(context.responseHeader);
        call.setTrailers(context.responseTrailer);
        call.reply(message);
        context.finish();
      };
      let output: Output;
      try {
        output = invoke(routed, spec, request, isBinary, context, call);
      } catch (error) {
        fail(error);
        return;
      }
      if (isPromise(output)) output.then(reply, fail);
      else reply(output);
    },
  };
}

function invoke(
  routed: RoutedMethod,
  spec: UnarySpec,
  request: Uint8Array,
  isBinary: boolean,
  context: CallContext,
  call: UnaryCall,
): Output {
  routed.checkTimeout(call);
  const input = routed.serialization.getI(isBinary);
  if (routed.isPlain) return spec.impl(input.parse(request), context);
  const { interceptors, requestGate } = routed.options;
  return (async () => {
    await requestGate?.(context);
    return await invokeUnaryImplementation(spec, context, input.parse(request), interceptors);
  })();
}

function failCall(call: UnaryCall, context: CallContext, thrown: unknown): void {
  const error = errorOfHandler(thrown);
  addErrorMetadata(context.responseTrailer, error);
  call.setHeaders(context.responseHeader);
  call.setTrailers(context.responseTrailer);
  call.fail(error.code, error.rawMessage, detailsOf(error));
  context.finish();
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
