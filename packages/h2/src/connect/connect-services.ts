import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImpl,
  type MethodImplSpec,
  type ServiceImpl,
} from '@connectrpc/connect';
import {
  type UniversalHandler,
  type UniversalHandlerOptions,
  validateUniversalHandlerOptions,
} from '@connectrpc/connect/protocol';
import type { GrpcMethod, GrpcService } from '../grpc/types.ts';
import { defaultLimits } from '../limits.ts';
import { connectFallback, type ExchangeHandler } from './fallback.ts';
import { gzipCompression } from './gzip.ts';
import { RoutedMethod } from './routed-method.ts';
import { streamMethod } from './stream-method.ts';
import { unaryMethod } from './unary-method.ts';

/** Both halves of a `GrpcServer`: spread it into its options. */
export interface ConnectServices {
  /** The services over gRPC, by this package's own codec. */
  readonly methods: GrpcService;
  /** The same over Connect and gRPC-Web, by Connect's handlers; 404 for all else. */
  readonly fallback: ExchangeHandler;
}

/**
 * Services implemented for Connect, for a `GrpcServer`: over gRPC, gRPC-Web and the Connect protocol, with
 * Protobuf or JSON. Options are Connect's; `acceptCompression` is gzip by default, and over gRPC always.
 * `readMaxBytes` is 2 MiB by default; over gRPC the server's `maxReceiveMessageBytes` holds besides, or alone.
 */
export function connectServices(
  routes: (router: ConnectRouter) => void,
  options: ConnectRouterOptions = {},
): ConnectServices {
  const router = new RecordingRouter(options);
  routes(router);
  return { methods: router.methods, fallback: connectFallback(router.handlers) };
}

/** A Connect router that also keeps what it was given: Connect's own shows its handlers alone. */
class RecordingRouter implements ConnectRouter {
  readonly methods = new Map<string, GrpcMethod>();
  readonly #options: ConnectRouterOptions;
  readonly #router: ConnectRouter;

  constructor(options: ConnectRouterOptions) {
    this.#options = options;
    // Some protocol must be on; gRPC does no harm there, since its requests go another way.
    this.#router = createConnectRouter({
      acceptCompression: [gzipCompression],
      readMaxBytes: defaultLimits.maxReceiveMessageBytes,
      ...options,
      grpc: true,
    });
  }

  get handlers(): UniversalHandler[] {
    return this.#router.handlers;
  }

  service<T extends DescService>(
    service: T,
    implementation: Partial<ServiceImpl<T>>,
    options?: Partial<UniversalHandlerOptions>,
  ): this {
    this.#router.service(service, implementation, options);
    const { methods } = createServiceImplSpec(service, implementation);
    for (const spec of Object.values(methods)) this.#add(spec, options);
    return this;
  }

  rpc<M extends DescMethod>(
    method: M,
    implementation: MethodImpl<M>,
    options?: Partial<UniversalHandlerOptions>,
  ): this {
    this.#router.rpc(method, implementation, options);
    this.#add(createMethodImplSpec(method, implementation), options);
    return this;
  }

  #add(spec: MethodImplSpec, options: ConnectRouterOptions = {}): void {
    const all = { ...this.#options, ...options };
    if (all.grpc === false) return;
    const routed = new RoutedMethod(spec, validateUniversalHandlerOptions(all));
    const method = spec.kind === 'unary' ? unaryMethod(routed, spec) : streamMethod(routed);
    this.methods.set(routed.path, method);
  }
}
