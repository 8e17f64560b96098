import type { IncomingHttpHeaders } from 'node:http2';
import type { GrpcService } from '@kvorum/h2';
import { parseTimeout } from './grpc-timeout.ts';

/** An answer that is clear from the headers of a gRPC call. */
export interface Refusal {
  readonly httpStatus: number;
  readonly status: number;
  readonly text: string;
}

const UNIMPLEMENTED = 12;
const INTERNAL = 13;

/** Why a call can't be served, in grpc-go's words; undefined when it can. */
export function refusalOf(
  path: string,
  headers: IncomingHttpHeaders,
  methods: GrpcService,
): Refusal | undefined {
  const verb = headers[':method'];
  if (verb !== 'POST') {
    const text = `Received a HEADERS frame with :method "${verb}" which should be POST`;
    return { httpStatus: 405, status: INTERNAL, text };
  }
  const timeout = headers['grpc-timeout'];
  if (typeof timeout === 'string' && parseTimeout(timeout) === undefined) {
    return { httpStatus: 400, status: INTERNAL, text: `malformed grpc-timeout: "${timeout}"` };
  }
  if (!methods.has(path)) {
    return { httpStatus: 200, status: UNIMPLEMENTED, text: unknownMethodText(path, methods) };
  }
  const encoding = headers['grpc-encoding'] ?? 'identity';
  if (encoding === 'identity' || encoding === 'gzip') return undefined;
  const text = `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
  return { httpStatus: 200, status: UNIMPLEMENTED, text };
}

/** What grpc-go says of a path that nobody serves. */
export function unknownMethodText(path: string, methods: GrpcService): string {
  const slash = path.lastIndexOf('/');
  if (slash <= 0) return `malformed method name: "${path}"`;
  const service = path.slice(1, slash);
  for (const known of methods.keys()) {
    if (known.startsWith(`/${service}/`)) {
      return `unknown method ${path.slice(slash + 1)} for service ${service}`;
    }
  }
  return `unknown service ${service}`;
}
