import { frameMessages } from '../web/grpc-web.ts';
import type { Fetch } from '../web/web-call.ts';

/** How a server of the web in memory answers a path. */
export type Answer =
  /** Nobody is there, or the browser refuses to say. */
  | 'nobody'
  /** Takes the request and says nothing. */
  | 'silence'
  /** These messages, then the status in a last frame; without status the answer breaks off. */
  | { readonly messages: readonly Uint8Array[]; readonly status?: string }
  | Response;

/** Fetch, answered in memory. */
export class MemoryWeb {
  /** By path; others are answered with one empty message. */
  readonly answers = new Map<string, Answer>();
  /** Paths and header fields of what was sent, in order. */
  readonly requests: { readonly path: string; readonly headers: Headers }[] = [];

  readonly fetch: Fetch = async (url, init) => {
    const path = new URL(url).pathname;
    this.requests.push({ path, headers: new Headers(init.headers) });
    const answer = this.answers.get(path) ?? { messages: [new Uint8Array(0)], status: '0' };
    if (answer === 'nobody') throw new TypeError('Failed to fetch');
    if (answer === 'silence') return await untilAborted(init.signal ?? undefined);
    return answer instanceof Response ? answer : grpcWeb(answer.messages, answer.status);
  };

  get paths(): string[] {
    return this.requests.map(({ path }) => path);
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A response by gRPC-Web. */
export function grpcWeb(messages: readonly Uint8Array[], status?: string): Response {
  const parts = [frameMessages(messages)];
  if (status !== undefined) {
    const trailers = frameMessages([new TextEncoder().encode(`grpc-status: ${status}\r\n`)]);
    trailers[0] = 0x80;
    parts.push(trailers);
  }
  const headers = { 'content-type': 'application/grpc-web+proto' };
  return new Response(new Blob(parts), { headers });
}
