/** A request, whatever HTTP version it came in. */
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
  /**
   * The body, to be read once: undefined when it has more than `maxBytes`. Rejects when the client leaves before its end.
   */
  body(maxBytes: number): Promise<Buffer | undefined>;
}

/** An answer, small enough to be held as a whole. */
export interface HttpReply {
  readonly status: number;
  /** Names as etcd spells them; HTTP/2 adapters put them in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Puts the pieces of a body together; see `HttpRequest.body`. */
export async function collectBody(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > maxBytes) return undefined;
    kept.push(piece);
  }
  return Buffer.concat(kept, size);
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

/** A header's name in HTTP/1's usual spelling, each word with a capital. */
export function headerName(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
