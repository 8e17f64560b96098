import type { Logger } from '../logging/logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { metricsContentType } from '../metrics/text-exposition.ts';
import { type AccessPolicy, corsHeaders, refuseUnknownHost } from './access-control.ts';
import { HealthPages, type HealthSource } from './health.ts';
import {
  type HttpReply,
  type HttpRequest,
  jsonReply,
  onlyGetReply,
  splitTarget,
} from './http-message.ts';
import type { HttpStream } from './http-stream.ts';

/** The versions of GET /version; a cluster version that is not decided yet is undefined. */
export interface Versions {
  readonly server: string;
  readonly cluster: string | undefined;
  readonly storage: string | undefined;
}

/** Pages of another API below a path of its own. */
export interface MorePages {
  /** Answers a request, or says that it isn't one of these pages. Never rejects. */
  page(request: HttpRequest): Promise<HttpReply | HttpStream | undefined>;
}

/** What the plain HTTP pages are made from. */
export interface HttpSources {
  readonly health: HealthSource;
  readonly metrics: Metrics;
  readonly logger: Logger;
  versions(): Versions;
  /** The object of GET /debug/vars. */
  debugVars(): Readonly<Record<string, unknown>>;
  /** The v2 API; undefined without --enable-v2. */
  readonly v2?: MorePages | undefined;
}

/** What becomes of a request: an answer, or `cors` headers for whoever answers it. */
export type Routed =
  | { readonly kind: 'reply'; readonly reply: HttpReply }
  | { readonly kind: 'stream'; readonly stream: HttpStream }
  | { readonly kind: 'other'; readonly cors: readonly (readonly [string, string])[] };

/** Whoever answers plain HTTP requests, or says that they are somebody else's; never rejects. */
export type HttpRouter = Pick<HttpRoutes, 'route'>;

/** Answers plain HTTP requests: health, version, metrics. Knows no HTTP version and no sockets. */
export class HttpRoutes {
  readonly #sources: HttpSources;
  readonly #health: HealthPages;
  /** Undefined on metrics listeners, which serve fewer paths and have no access control. */
  readonly #policy: AccessPolicy | undefined;

  private constructor(sources: HttpSources, policy: AccessPolicy | undefined) {
    this.#sources = sources;
    this.#health = new HealthPages(sources.health, sources.metrics.health, sources.logger);
    this.#policy = policy;
  }

  /** The pages of a client listener. */
  static forClients(sources: HttpSources, policy: AccessPolicy): HttpRoutes {
    return new HttpRoutes(sources, policy);
  }

  /** The pages of a listener of --listen-metrics-urls: metrics and health only. */
  static forMetrics(sources: HttpSources): HttpRoutes {
    return new HttpRoutes(sources, undefined);
  }

  /** Answers a request or says that it is somebody else's. Never rejects. */
  async route(request: HttpRequest): Promise<Routed> {
    const policy = this.#policy;
    if (policy === undefined) {
      const reply = await this.#page(request);
      return reply === undefined ? { kind: 'other', cors: [] } : { kind: 'reply', reply };
    }
    const refusal = refuseUnknownHost(policy, request);
    if (refusal !== undefined) {
      return { kind: 'reply', reply: refusal };
    }
    const cors = corsHeaders(policy, request);
    if (request.method === 'OPTIONS') {
      return { kind: 'reply', reply: { status: 200, headers: cors, body: '' } };
    }
    const reply = (await this.#page(request)) ?? (await this.#sources.v2?.page(request));
    if (reply === undefined) return { kind: 'other', cors };
    const headers = [...cors, ...reply.headers];
    if ('open' in reply) {
      const { status, open } = reply;
      return { kind: 'stream', stream: { status, headers, open } };
    }
    return { kind: 'reply', reply: { ...reply, headers } };
  }

  async #page(request: HttpRequest): Promise<HttpReply | undefined> {
    const { path, query } = splitTarget(request.target);
    const isGet = request.method === 'GET';
    switch (path) {
      case '/metrics':
        return this.#metrics();
      case '/health':
        return isGet ? this.#health.health(query) : onlyGetReply;
      case '/version':
        return this.#policy === undefined ? undefined : isGet ? this.#version() : onlyGetReply;
      case '/debug/vars':
        return this.#policy === undefined ? undefined : jsonReply(this.#sources.debugVars());
    }
    const [, type, single] = /^\/(livez|readyz)(?:\/(\w+))?$/.exec(path) ?? [];
    if (type === 'livez' || type === 'readyz') {
      return isGet ? this.#health.checks(type, single, query) : onlyGetReply;
    }
    return undefined;
  }

  async #metrics(): Promise<HttpReply> {
    const body = await this.#sources.metrics.render();
    return { status: 200, headers: [['Content-Type', metricsContentType]], body };
  }

  #version(): HttpReply {
    const { server, cluster, storage } = this.#sources.versions();
    return jsonReply({
      etcdserver: server,
      etcdcluster: cluster ?? 'not_decided',
      storage: storage ?? 'unknown',
    });
  }
}
