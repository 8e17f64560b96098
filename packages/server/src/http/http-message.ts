/** A request without its body, whatever HTTP version it came in. */
export interface HttpRequest {
  readonly method: string;
  /** The target as sent: path and query, `/readyz?verbose`. */
  readonly target: string;
  /** The Host header or `:authority`, port included; empty when there is none. */
  readonly host: string;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** The first value of a header by lower-case name. */
  header(name: string): string | undefined;
}

/** An answer, small enough to be held as a whole. */
export interface HttpReply {
  readonly status: number;
  /** Names as etcd spells them; HTTP/2 adapters put them in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** The path of a request's target, and what stands behind the question mark. */
export function splitTarget(target: string): { path: string; query: URLSearchParams } {
  // Proxies may send the absolute form, http://host/path.
  const local = target.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = local.indexOf('?');
  return mark < 0
    ? { path: local, query: new URLSearchParams() }
    : { path: local.slice(0, mark), query: new URLSearchParams(local.slice(mark + 1)) };
}

/** A line of plain text; browsers are told not to guess another type. */
export function textReply(status: number, body: string): HttpReply {
  return {
    status,
    headers: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['X-Content-Type-Options', 'nosniff'],
    ],
    body,
  };
}

export function jsonReply(value: unknown): HttpReply {
  return {
    status: 200,
    headers: [['Content-Type', 'application/json']],
    body: JSON.stringify(value),
  };
}

/** What any path gets that nobody serves. */
export const notFoundReply: HttpReply = textReply(404, '404 page not found\n');

/** What a path gets that only answers GET. */
export const onlyGetReply: HttpReply = {
  ...textReply(405, 'Method Not Allowed\n'),
  headers: [['Allow', 'GET'], ...textReply(405, '').headers],
};

/** The reply with further headers in front. */
export function withHeaders(
  reply: HttpReply,
  headers: readonly (readonly [string, string])[],
): HttpReply {
  return { ...reply, headers: [...headers, ...reply.headers] };
}
