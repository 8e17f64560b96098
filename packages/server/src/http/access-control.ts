import { type HttpReply, type HttpRequest, textReply } from './http-message.ts';

/** Who may talk HTTP to the client port: --cors and --host-whitelist. */
export interface AccessPolicy {
  /** Allowed origins; `*` or nothing at all means every origin. */
  readonly cors: readonly string[];
  /** Accepted Host names of plaintext requests; `*` or nothing at all means every name. */
  readonly hostWhitelist: readonly string[];
}

/** What etcd lets browsers send. */
const plainHeaders = 'accept, content-type, authorization';

/** What Connect and gRPC-Web clients in browsers send besides, the metadata that etcd's calls may bear, and W3C's trace context. */
const rpcHeaders = `${plainHeaders}, connect-protocol-version, connect-timeout-ms, grpc-timeout, x-grpc-web, x-user-agent, token, hasleader, traceparent, tracestate, baggage`;

/** How long a browser may go by such an answer, in seconds; else it asks again every five. Browsers cap it at this. */
const rpcMaxAgeSeconds = '7200';

/** Response headers a gRPC-Web client has to read. */
const exposedHeaders = 'grpc-status, grpc-message, grpc-status-details-bin';

/**
 * The refusal of a plaintext request that names a host nobody expects (421); undefined when the host is fine. It
 * protects against DNS rebinding: a web page that points its own name at this server sends that name.
 */
export function refuseUnknownHost(
  policy: AccessPolicy,
  request: HttpRequest,
): HttpReply | undefined {
  const name = request.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  if (request.secure || allows(policy.hostWhitelist, name)) {
    return undefined;
  }
  return textReply(
    421,
    `etcd received your request, but the Host header was unrecognized.

To fix this, either
- use TLS: HTTPS requests are allowed whatever host they name, or
- allow the host name, as in: etcd --host-whitelist ${JSON.stringify(name)}

The check protects against DNS rebinding (CVE-2018-5702).
`,
  );
}

/** The CORS headers of every answer to a request; none when its origin is not allowed. */
export function corsHeaders(policy: AccessPolicy, request: HttpRequest): [string, string][] {
  const origin = allows(policy.cors, '*') ? '*' : (request.header('origin') ?? '');
  if (!allows(policy.cors, origin)) {
    return [];
  }
  const asksFor = request.header('access-control-request-headers') ?? '';
  const isRpc = /\b(connect-|x-grpc-web|grpc-timeout)/i.test(asksFor);
  const headers: [string, string][] = [
    ['Access-Control-Allow-Headers', isRpc ? rpcHeaders : plainHeaders],
    ['Access-Control-Allow-Methods', 'POST, GET, OPTIONS, PUT, DELETE'],
    ['Access-Control-Allow-Origin', origin],
  ];
  if (isRpc) headers.push(['Access-Control-Max-Age', rpcMaxAgeSeconds]);
  if (request.header('origin') !== undefined) {
    headers.push(['Access-Control-Expose-Headers', exposedHeaders]);
  }
  if (origin !== '*') {
    headers.push(['Vary', 'Origin']);
  }
  return headers;
}

function allows(allowed: readonly string[], name: string): boolean {
  return allowed.length === 0 || allowed.includes('*') || allowed.includes(name);
}
