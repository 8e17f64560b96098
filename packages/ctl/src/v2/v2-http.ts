import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Credentials, TlsOptions } from '@kvorum/client';
import type { Host } from '../host.ts';
import { DeadlineError, UnreachableError } from './v2-errors.ts';

/** A request to whichever endpoint answers. */
export interface V2Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query, escaped. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

export interface V2Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface V2HttpOptions {
  /** URLs; the first one that works is asked first from then on. */
  readonly endpoints: readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly credentials: Credentials | undefined;
  /** Until the headers of an answer are there, in ms. */
  readonly headerTimeoutMs: number;
  readonly after: Host['after'];
  /** Told of each request, before it is sent. */
  readonly onRequest?: (request: V2Request, endpoint: string) => void;
}

/** Asks one endpoint after the other until one gives an answer. */
export class V2Http {
  readonly #options: V2HttpOptions;
  #endpoints: readonly string[];

  constructor(options: V2HttpOptions) {
    this.#options = options;
    this.#endpoints = options.endpoints;
  }

  get endpoints(): readonly string[] {
    return this.#endpoints;
  }

  set endpoints(endpoints: readonly string[]) {
    this.#endpoints = endpoints;
  }

  /** Rejects with `UnreachableError`, or `DeadlineError` when the signal fires first. */
  async ask(request: V2Request, signal: AbortSignal): Promise<V2Answer> {
    const reasons: string[] = [];
    for (const endpoint of this.#endpoints) {
      this.#options.onRequest?.(request, endpoint);
      try {
        const answer = await this.askOne(endpoint, request, signal);
        if (answer.status < 500) {
          this.#prefer(endpoint);
          return answer;
        }
        const isLeaderless = answer.status === 500 || answer.status === 503;
        const fault = isLeaderless ? 'has no leader' : `returns server error [${answer.status}]`;
        reasons.push(`client: etcd member ${endpoint} ${fault}`);
      } catch (error) {
        if (signal.aborted) throw new DeadlineError();
        reasons.push(reasonOf(error as NodeJS.ErrnoException, endpoint));
      }
    }
    throw new UnreachableError(reasons);
  }

  /** Rejects with what the system says, or `HeaderTimeout`. */
  askOne(endpoint: string, request: V2Request, signal?: AbortSignal): Promise<V2Answer> {
    const { method, path, body, contentType } = request;
    const url = new URL(endpoint);
    const { credentials, headerTimeoutMs, after } = this.#options;
    const options: RequestOptions = {
      method,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...(credentials === undefined
          ? {}
          : { authorization: `Basic ${btoaUtf8(`${credentials.name}:${credentials.password}`)}` }),
      },
      ...addressOf(url, path),
    };
    return new Promise((resolve, reject) => {
      const send = url.protocol.startsWith('https')
        ? httpsRequest({ ...options, ...this.#tlsOptions() })
        : httpRequest(options);
      const stopTimer = after(headerTimeoutMs, () => send.destroy(new HeaderTimeout(endpoint)));
      send.once('error', (error) => {
        stopTimer();
        reject(error);
      });
      send.once('response', (response) => {
        stopTimer();
        readBody(response).then(
          (text) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          reject,
        );
      });
      send.end(body);
    });
  }

  /** What worked is asked first the next time. */
  #prefer(endpoint: string): void {
    this.#endpoints = [endpoint, ...this.#endpoints.filter((other) => other !== endpoint)];
  }

  #tlsOptions(): object {
    const { tls } = this.#options;
    if (tls === undefined) return {};
    const { ca, cert, key, serverName, insecureSkipVerify } = tls;
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: insecureSkipVerify !== true,
    };
  }
}

class HeaderTimeout extends Error {
  override readonly name = 'HeaderTimeout';

  constructor(endpoint: string) {
    super(`client: endpoint ${endpoint} exceeded header timeout`);
  }
}

/** Of `unix://path` and `unixs://path` all that follows the scheme is the path of a socket. */
function addressOf(url: URL, path: string): RequestOptions {
  if (url.protocol.startsWith('unix')) return { socketPath: url.host + url.pathname, path };
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    path: url.pathname.replace(/\/$/, '') + path,
    ...(url.port === '' ? {} : { port: url.port }),
  };
}

async function readBody(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function btoaUtf8(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** What went wrong with a connection, in Go's words where it has some. */
export function reasonOf(error: NodeJS.ErrnoException, endpoint: string): string {
  const { hostname, port, protocol } = new URL(endpoint);
  const target = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp ${target}: connect: connection refused`;
    case 'ENOTFOUND':
      return `dial tcp: lookup ${hostname}: no such host`;
    case 'EHOSTUNREACH':
      return `dial tcp ${target}: connect: no route to host`;
    case 'ETIMEDOUT':
      return `dial tcp ${target}: connect: connection timed out`;
    case 'ECONNRESET':
      return `EOF`;
    default:
      return error.message;
  }
}
