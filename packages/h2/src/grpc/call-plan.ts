import type { RequestHead } from '../request-head.ts';
import { acceptedEncodings } from './compression.ts';
import { FieldMetadata } from './field-metadata.ts';
import { type ResponseShape, responseShapeOf } from './response-fields.ts';
import { Status, type StatusCode } from './status.ts';
import { parseTimeout, timeoutFault } from './timeout.ts';
import type { GrpcMethod, GrpcService, Metadata } from './types.ts';

/** An answer that is clear from the headers alone. */
export interface Refusal {
  readonly httpStatus: number;
  readonly status: StatusCode;
  readonly message: string;
  /** Of the content type that the answer names. */
  readonly subtype: string;
  /** For `grpc-accept-encoding`, when the encoding was the trouble. */
  readonly acceptEncoding: string | undefined;
}

/**
 * What is to be done with a request, worked out from its head once and then kept with it: a client that
 * repeats a call with the same header block gets the same plan.
 */
export interface CallPlan {
  readonly kind: 'call' | 'refuse' | 'http';
  readonly method: GrpcMethod | undefined;
  readonly refusal: Refusal | undefined;
  readonly metadata: Metadata;
  readonly timeoutMs: number | undefined;
  /** Messages may come gzipped, and so go out gzipped. */
  readonly isGzip: boolean;
  readonly response: ResponseShape;
}

export function planOf(head: RequestHead, methods: GrpcService): CallPlan {
  let plan = head.memo as CallPlan | undefined;
  if (plan === undefined) {
    plan = makePlan(head, methods);
    head.memo = plan;
  }
  return plan;
}

function makePlan(head: RequestHead, methods: GrpcService): CallPlan {
  const subtype = subtypeOf(head.contentType);
  const metadata = new FieldMetadata(head.fields, head.firstRegular);
  const refusal = subtype === undefined ? undefined : refusalOf(head, subtype, metadata, methods);
  const isGzip = head.grpcEncoding === 'gzip';
  return {
    kind: refusal !== undefined ? 'refuse' : subtype !== undefined ? 'call' : 'http',
    method: methods.get(head.path),
    refusal,
    metadata,
    timeoutMs: head.grpcTimeout === undefined ? undefined : parseTimeout(head.grpcTimeout),
    isGzip,
    response: responseShapeOf(subtype ?? '', isGzip),
  };
}

/**
 * Of `application/grpc`, which may name a message format and have parameters: the format, or ''. Undefined
 * for everything else; gRPC-Web is something else.
 */
function subtypeOf(contentType: string | undefined): string | undefined {
  const match = /^application\/grpc(?:\+([^;\s]*))?(?:$|[;\s])/i.exec(contentType ?? '');
  return match === null ? undefined : (match[1] ?? '');
}

function refusalOf(
  head: RequestHead,
  subtype: string,
  metadata: FieldMetadata,
  methods: GrpcService,
): Refusal | undefined {
  if (head.method !== 'POST') {
    const message = `Received a HEADERS frame with :method "${head.method}" which should be POST`;
    return refuse(405, Status.internal, message);
  }
  const { grpcTimeout, grpcEncoding } = head;
  if (grpcTimeout !== undefined && parseTimeout(grpcTimeout) === undefined) {
    const message = `malformed grpc-timeout: ${timeoutFault(grpcTimeout)}`;
    return refuse(400, Status.internal, message);
  }
  const broken = metadata.brokenBinary();
  if (broken !== undefined) return refuse(400, Status.internal, broken);
  if (!methods.has(head.path)) {
    return refuse(200, Status.unimplemented, unknownMethodText(head.path, methods), subtype);
  }
  if (grpcTimeout !== undefined && parseTimeout(grpcTimeout) === 0) {
    // No time at all: the deadline has passed before the handler could start.
    return refuse(200, Status.deadlineExceeded, 'context deadline exceeded', subtype);
  }
  const isKnown = grpcEncoding === undefined || acceptedEncodings.split(',').includes(grpcEncoding);
  if (isKnown) return undefined;
  const message = `grpc: Decompressor is not installed for grpc-encoding "${grpcEncoding}"`;
  return refuse(200, Status.unimplemented, message, subtype, acceptedEncodings);
}

function unknownMethodText(path: string, methods: GrpcService): string {
  const slash = path.lastIndexOf('/');
  if (slash <= 0) return `malformed method name: "${path}"`;
  const service = path.slice(1, slash);
  const prefix = path.slice(0, slash + 1);
  for (const known of methods.keys()) {
    if (known.startsWith(prefix)) {
      return `unknown method ${path.slice(slash + 1)} for service ${service}`;
    }
  }
  return `unknown service ${service}`;
}

/** The answer to content types that are not gRPC's, when nobody else serves them. */
export function unsupportedContentType(contentType: string | undefined): Refusal {
  const message = `invalid gRPC request content-type "${contentType ?? ''}"`;
  return refuse(415, Status.invalidArgument, message);
}

function refuse(
  httpStatus: number,
  status: StatusCode,
  message: string,
  subtype = '',
  acceptEncoding?: string,
): Refusal {
  return { httpStatus, status, message, subtype, acceptEncoding };
}
