import {
  type HttpReply,
  type HttpRequest,
  jsonReply,
  onlyGetReply,
  splitTarget,
  textReply,
} from '../http/http-message.ts';
import type { HttpRouter, Routed } from '../http/http-routes.ts';
import { metricsContentType } from '../metrics/text-exposition.ts';

/** What the plain HTTP pages of a proxy are made from. */
export interface PageSources {
  /** A page of one of the members, whichever. Rejects when none gives it. */
  readonly memberPage: (path: string) => Promise<HttpReply>;
  /** Numbers of the proxy itself. */
  readonly metrics: () => Promise<string>;
  /** Why a key can't be read through the proxy; undefined when it can. */
  readonly readFailure: () => Promise<string | undefined>;
  /** The same of a watch. */
  readonly watchFailure: () => Promise<string | undefined>;
}

/**
 * Answers plain HTTP requests as etcd's proxy does: what a member says at /metrics, and whether one can be read from at
 * /health; at /proxy/metrics and /proxy/health the same of the proxy.
 */
export class ProxyPages implements HttpRouter {
  readonly #sources: PageSources;

  constructor(sources: PageSources) {
    this.#sources = sources;
  }

  async route(request: HttpRequest): Promise<Routed> {
    const { path } = splitTarget(request.target);
    const answer = this.#pageAt(path);
    if (answer === undefined) return { kind: 'other', cors: [] };
    if (request.method !== 'GET') return { kind: 'reply', reply: onlyGetReply };
    return { kind: 'reply', reply: await answer() };
  }

  #pageAt(path: string): (() => Promise<HttpReply>) | undefined {
    const { readFailure, watchFailure, metrics } = this.#sources;
    switch (path) {
      case '/metrics':
      case '/version':
        return () => this.#memberPage(path);
      case '/health':
        return async () => healthReply(await readFailure());
      case '/proxy/health':
        return async () => healthReply((await readFailure()) ?? (await watchFailure()));
      case '/proxy/metrics':
        return async () => {
          const headers = [['Content-Type', metricsContentType]] as const;
          return { status: 200, headers, body: await metrics() };
        };
      default:
        return undefined;
    }
  }

  async #memberPage(path: string): Promise<HttpReply> {
    try {
      return await this.#sources.memberPage(path);
    } catch (error) {
      return textReply(503, `${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

function healthReply(failure: string | undefined): HttpReply {
  const reply = jsonReply({ health: String(failure === undefined), reason: failure ?? '' });
  return failure === undefined ? reply : { ...reply, status: 503 };
}
