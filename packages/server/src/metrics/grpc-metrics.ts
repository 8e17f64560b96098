import { Histogram } from './histogram.ts';

/** The four shapes of a gRPC call, as the `grpc_type` label spells them. */
export type GrpcType = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** Counters of one gRPC method. Look it up once at start and keep it; all fields are only ever added to. */
export class GrpcMethodMetrics {
  readonly type: GrpcType;
  /** Full service name, `etcdserverpb.KV`. */
  readonly service: string;
  /** Method name, `Range`. */
  readonly method: string;
  /** grpc_server_started_total */
  started = 0;
  /** grpc_server_msg_received_total */
  received = 0;
  /** grpc_server_msg_sent_total */
  sent = 0;
  /** grpc_server_handled_total by numeric gRPC code, 0 to 16. */
  readonly handledByCode = new Float64Array(17);
  /** grpc_server_handling_seconds; null with --metrics=basic. */
  readonly handlingSeconds: Histogram | null;

  constructor(type: GrpcType, service: string, method: string, extensive: boolean) {
    this.type = type;
    this.service = service;
    this.method = method;
    this.handlingSeconds = extensive ? new Histogram(0.001, 2, 14) : null;
  }
}

/** All registered gRPC methods; each shows up at zero from its registration on. */
export class GrpcMetrics {
  readonly methods: GrpcMethodMetrics[] = [];
  readonly #extensive: boolean;

  constructor(extensive: boolean) {
    this.#extensive = extensive;
  }

  /** Registers a method, once, before the first call, and returns the counters to add to. */
  register(type: GrpcType, service: string, method: string): GrpcMethodMetrics {
    const entry = new GrpcMethodMetrics(type, service, method, this.#extensive);
    this.methods.push(entry);
    return entry;
  }
}
