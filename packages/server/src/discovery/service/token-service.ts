import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../logging/logger.ts';
import type { RegistryGate } from './registry-gate.ts';
import type { Endpoint, ServiceMetrics } from './service-metrics.ts';

export interface TokenServiceParts {
  readonly gate: RegistryGate;
  readonly metrics: ServiceMetrics;
  readonly logger: Logger;
  /** 32 hex digits that nobody can guess. */
  readonly newToken: () => string;
  /** What token URLs begin with; undefined: as the service was called, over `scheme`. */
  readonly urlPrefix: string | undefined;
  readonly scheme: 'http' | 'https';
}

/** A registration has some hundred bytes. */
const LARGEST_BODY_BYTES = 64 * 1024;
const DEFAULT_SIZE = 3;
/** More founding members than this are a mistake. */
const LARGEST_SIZE = 1000;

const tokenPath = /^\/[0-9a-f]{32}(?:\/?|\/[^/]+|\/_config\/size)$/;

const welcome = `This is a discovery service for etcd and Kvorum.

  GET /new?size=3   a new token for a cluster of 3 founding members, as a URL
  etcd --discovery URL --name NAME --initial-advertise-peer-urls URL ...
`;

/**
 * Answers HTTP requests as discovery.etcd.io does: makes tokens, and passes on what members ask of the keys below one.
 * No other keys can be reached through it.
 */
export class TokenService {
  readonly #parts: TokenServiceParts;

  constructor(parts: TokenServiceParts) {
    this.#parts = parts;
  }

  /** Answers one request; never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      await this.#route(request, response, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      this.#parts.logger.warn('failed to answer', { path: request.url, error });
      if (response.headersSent) response.destroy();
      else end(response, 500, '\n');
    }
  }

  async #route(
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const [path = '', query] = (request.url ?? '').split(/\?(.*)/s);
    const search = query === undefined ? '' : `?${query}`;
    switch (path) {
      case '/':
        return end(response, 200, welcome);
      case '/new':
        return await this.#makeToken(request, response, new URLSearchParams(query), signal);
      case '/health':
        return await this.#tellHealth(request, response, signal);
      case '/metrics': {
        const { type, body } = await this.#parts.metrics.text();
        return end(response, 200, body, type);
      }
      case '/robots.txt':
        return end(response, 200, 'User-agent: *\nDisallow: /');
      default:
        if (!tokenPath.test(path)) return end(response, 404, '404 page not found\n');
        return await this.#passOn(request, response, path, search, signal);
    }
  }

  async #makeToken(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    signal: AbortSignal,
  ): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return this.#count('new', request, response, 413, 'too long\n');
    const text = new URLSearchParams(body.toString()).get('size') || query.get('size') || '';
    const size = text === '' ? DEFAULT_SIZE : Number(text);
    if (!/^\+?\d*$/.test(text) || size < 1 || size > LARGEST_SIZE) {
      const message = `size must be a number from 1 to ${LARGEST_SIZE}, not ${JSON.stringify(text)}\n`;
      return this.#count('new', request, response, 400, message);
    }
    const token = await this.#create(size, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#parts.logger.warn('cannot make a token', { error });
    });
    if (token === undefined) {
      return this.#count('new', request, response, 400, 'Unable to generate token\n');
    }
    this.#parts.logger.info('new cluster created', { 'discovery-token': token, size });
    const { urlPrefix, scheme } = this.#parts;
    const prefix = urlPrefix ?? `${scheme}://${request.headers.host ?? 'localhost'}`;
    this.#count('new', request, response, 200, `${prefix}/${token}`);
  }

  /** Writes the size of a new token and resolves with it. Rejects when it can't be kept. */
  async #create(size: number, signal: AbortSignal): Promise<string> {
    const token = this.#parts.newToken();
    const answer = await this.#parts.gate.open({
      method: 'PUT',
      path: `/${token}/_config/size`,
      query: '?prevExist=false',
      body: Buffer.from(`value=${size}`),
      contentType: 'application/x-www-form-urlencoded',
      signal,
    });
    const text = (await bodyOf(answer))?.toString() ?? '';
    if (answer.statusCode !== 201) {
      throw new Error(`etcd answered with status ${answer.statusCode}: ${text.trim()}`);
    }
    return token;
  }

  /** The service is well when tokens can be made. */
  async #tellHealth(
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    let failed = 'setupToken';
    try {
      const token = await this.#create(0, signal);
      failed = 'deleteToken';
      const answer = await this.#parts.gate.open({
        method: 'DELETE',
        path: `/${token}`,
        query: '?recursive=true',
        body: undefined,
        contentType: undefined,
        signal,
      });
      await bodyOf(answer);
      if (answer.statusCode !== 200) throw new Error(`etcd answered with ${answer.statusCode}`);
    } catch (error) {
      signal.throwIfAborted();
      this.#parts.logger.warn('not healthy', { error });
      return this.#count('health', request, response, 400, `health failed to ${failed}\n`);
    }
    this.#count('health', request, response, 200, 'OK');
  }

  async #passOn(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { method = 'GET' } = request;
    if (!methodsOf(path).includes(method)) {
      response.setHeader('allow', methodsOf(path).join(', '));
      return this.#count('token', request, response, 405, '');
    }
    const body = method === 'GET' ? undefined : await bodyOf(request);
    if (method !== 'GET' && body === undefined) {
      return this.#count('token', request, response, 413, 'too long\n');
    }
    const contentType = request.headers['content-type'];
    const passed = { method, path: path.replace(/\/$/, ''), query, body, contentType, signal };
    let answer: IncomingMessage;
    try {
      answer = await this.#parts.gate.open(passed);
    } catch (error) {
      signal.throwIfAborted();
      this.#parts.logger.warn('cannot pass a request on', { method, error });
      return this.#count('token', request, response, 500, '\n');
    }
    const { statusCode = 500 } = answer;
    this.#parts.metrics.count('token', statusCode, method);
    response.writeHead(statusCode, headersOf(answer));
    // Who waits for others wants to know that it is waiting.
    response.flushHeaders();
    for await (const piece of answer) {
      if (!response.write(piece)) {
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
      }
    }
    response.end();
  }

  #count(
    endpoint: Endpoint,
    { method = 'GET' }: IncomingMessage,
    response: ServerResponse,
    status: number,
    body: string,
  ): void {
    this.#parts.metrics.count(endpoint, status, method);
    end(response, status, body);
  }
}

/** A member's key can be deleted, a token and its size can't. */
function methodsOf(path: string): readonly string[] {
  if (path.endsWith('/_config/size')) return ['GET'];
  return /^\/[0-9a-f]{32}\/?$/.test(path) ? ['GET', 'PUT'] : ['GET', 'PUT', 'DELETE'];
}

/** What the v2 API tells beside the body. */
function headersOf({ headers }: IncomingMessage): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && /^(x-|content-(type|length)$)/.test(name)) passed[name] = value;
  }
  return passed;
}

/** The whole body; undefined when it is too long. */
async function bodyOf(message: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of message) {
    size += piece.length;
    // The rest is read, so that the answer finds its way.
    if (size <= LARGEST_BODY_BYTES) pieces.push(piece);
  }
  return size > LARGEST_BODY_BYTES ? undefined : Buffer.concat(pieces);
}

function end(response: ServerResponse, status: number, body: string, type?: string): void {
  response.writeHead(status, {
    'content-type': type ?? 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
