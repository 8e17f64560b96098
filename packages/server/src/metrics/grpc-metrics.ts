import { Histogram } from './histogram.ts';
import type { TextExposition } from './text-exposition.ts';

/** The four shapes of a gRPC call, as the `grpc_type` label spells them. */
export type GrpcType = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** The `grpc_code` label by numeric code. */
const codeNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

/** The default buckets of Prometheus' client libraries, in seconds, which gRPC's own histogram uses. */
const handlingBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

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
  readonly handledByCode = new Float64Array(codeNames.length);
  /** grpc_server_handling_seconds; null with --metrics=basic. */
  readonly handlingSeconds: Histogram | null;

  constructor(type: GrpcType, service: string, method: string, extensive: boolean) {
    this.type = type;
    this.service = service;
    this.method = method;
    this.handlingSeconds = extensive ? new Histogram(handlingBounds) : null;
  }

  /** Counts one ended call; an unknown code counts as code 2, Unknown. */
  handled(code: number, durationMs: number): void {
    const slot = code >= 0 && code < this.handledByCode.length ? code : 2;
    this.handledByCode[slot] = (this.handledByCode[slot] ?? 0) + 1;
    this.handlingSeconds?.observe(durationMs / 1000);
  }

  /** The labels all series of the method share. */
  get labels(): { grpc_method: string; grpc_service: string; grpc_type: string } {
    return { grpc_method: this.method, grpc_service: this.service, grpc_type: this.type };
  }
}

/** All registered gRPC methods; each shows up at zero from its registration on. */
export class GrpcMetrics {
  readonly #methods: GrpcMethodMetrics[] = [];
  readonly #extensive: boolean;

  constructor(extensive: boolean) {
    this.#extensive = extensive;
  }

  /** Registers a method, once, before its first call, and returns the counters to add to. */
  register(type: GrpcType, service: string, method: string): GrpcMethodMetrics {
    const entry = new GrpcMethodMetrics(type, service, method, this.#extensive);
    this.#methods.push(entry);
    return entry;
  }

  write(out: TextExposition): void {
    const methods = this.#methods;
    out.open('grpc_server_started_total', 'counter', 'Calls started.');
    for (const method of methods) {
      out.sample(method.labels, method.started);
    }
    out.open('grpc_server_msg_received_total', 'counter', 'Messages received.');
    for (const method of methods) {
      out.sample(method.labels, method.received);
    }
    out.open('grpc_server_msg_sent_total', 'counter', 'Messages sent.');
    for (const method of methods) {
      out.sample(method.labels, method.sent);
    }
    out.open('grpc_server_handled_total', 'counter', 'Calls ended, by status code.');
    for (const method of methods) {
      const { labels } = method;
      codeNames.forEach((name, code) => {
        out.sample({ grpc_code: name, ...labels }, method.handledByCode[code] ?? 0);
      });
    }
    if (this.#extensive) {
      this.#writeLatencies(out);
    }
  }

  #writeLatencies(out: TextExposition): void {
    out.open('grpc_server_handling_seconds', 'histogram', 'Time of a call, until it ended.');
    for (const method of this.#methods) {
      if (method.handlingSeconds !== null) {
        out.buckets(method.labels, method.handlingSeconds);
      }
    }
  }
}
