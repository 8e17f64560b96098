import type { DescMessage } from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  createMethodSerializationLookup,
  type MethodSerializationLookup,
  type UniversalHandlerOptions,
} from '@connectrpc/connect/protocol';
import type { CallInfo } from '../grpc/types.ts';
import { CallContext } from './call-context.ts';

/** One method of a router, with what it takes to serve it over gRPC. */
export class RoutedMethod {
  readonly spec: MethodImplSpec;
  readonly options: UniversalHandlerOptions;
  /** '/package.Service/Method'. */
  readonly path: string;
  readonly serialization: MethodSerializationLookup<DescMessage, DescMessage>;

  constructor(spec: MethodImplSpec, options: UniversalHandlerOptions) {
    const { method } = spec;
    this.spec = spec;
    this.options = options;
    this.path = `/${method.parent.typeName}/${method.name}`;
    this.serialization = createMethodSerializationLookup(
      method,
      options.binaryOptions,
      options.jsonOptions,
      options,
    );
  }

  /** Nothing comes before or after the implementation itself. */
  get isPlain(): boolean {
    return this.options.interceptors.length === 0 && this.options.requestGate === undefined;
  }

  context(call: CallInfo): CallContext {
    return new CallContext(this.spec.method, call, this.options.shutdownSignal);
  }

  /** Throws when the call may not be served at all. */
  checkTimeout({ timeoutMs = 0 }: CallInfo): void {
    const { maxTimeoutMs } = this.options;
    if (timeoutMs <= maxTimeoutMs) return;
    const text = `timeout ${timeoutMs}ms must be <= ${maxTimeoutMs}`;
    throw new ConnectError(text, Code.InvalidArgument);
  }
}

/** gRPC's message format: Protobuf, unless the content type says JSON. */
export function isBinaryCall(call: CallInfo): boolean {
  return call.metadata.get('content-type')?.startsWith('application/grpc+json') !== true;
}
