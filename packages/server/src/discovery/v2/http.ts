import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../clock.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly url: URL;
  /** Fields of a form. */
  readonly form?: Readonly<Record<string, string>>;
  /** For the whole answer, in ms; undefined: as long as it takes. */
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Sends a request and resolves with the whole answer, whatever its status. Rejects when there is none. */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;

/** Time for a connection. */
const CONNECT_TIMEOUT_MS = 30_000;
/** What is kept for a token is a few hundred bytes. */
const LARGEST_ANSWER_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 10;

export interface HttpOptions {
  readonly clock: Clock;
  /** An HTTP proxy that all requests go through. */
  readonly proxy?: URL;
  /** Ends all requests. */
  readonly stop: AbortSignal | undefined;
}

/** HTTP over this machine's network. Redirects are followed, with method and form. */
export function nodeHttp(options: HttpOptions): SendHttp {
  return async (request) => {
    let { url } = request;
    for (let redirects = 0; ; redirects++) {
      const answer = await sendOnce({ ...request, url }, options);
      const { location } = answer.headers;
      if (!/^30[1278]$/.test(String(answer.status)) || location === undefined) return answer;
      if (redirects === MAX_REDIRECTS) throw new Error(`too many redirects of ${request.url}`);
      url = new URL(location, url);
    }
  };
}

async function sendOnce(request: HttpRequest, options: HttpOptions): Promise<HttpAnswer> {
  const { clock, stop } = options;
  stop?.throwIfAborted();
  const deadline = new AbortController();
  const limit = (what: string, ms: number) => {
    return clock.after(ms, () => deadline.abort(new Error(`${what} within ${ms / 1000} s`)));
  };
  const { host } = request.url;
  const stopConnecting = limit(`no connection to ${host}`, CONNECT_TIMEOUT_MS);
  const { timeoutMs } = request;
  const stopTimer = timeoutMs === undefined ? () => {} : limit(`no answer of ${host}`, timeoutMs);
  const signal = stop === undefined ? deadline.signal : AbortSignal.any([stop, deadline.signal]);
  try {
    return await exchange(request, options, signal, stopConnecting);
  } catch (error) {
    stop?.throwIfAborted();
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    stopConnecting();
    stopTimer();
  }
}

async function exchange(
  { method, url, form }: HttpRequest,
  { proxy }: HttpOptions,
  signal: AbortSignal,
  onConnected: () => void,
): Promise<HttpAnswer> {
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const headers = {
    host: url.host,
    ...(body === undefined
      ? {}
      : {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(body)),
        }),
  };
  const common = { method, headers, signal };
  const options = await way(url, proxy, signal);
  const isTls = options.socket === undefined && url.protocol === 'https:';
  return await new Promise((resolve, reject) => {
    const send = isTls ? requestHttps : requestHttp;
    const request = send({ ...common, ...options.target }, (response) => {
      collect(response).then(resolve, reject);
    });
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', onConnected);
      else onConnected();
    });
    request.on('error', reject);
    request.end(body);
  });
}

interface Way {
  readonly target: RequestOptions;
  /** The tunnel that TLS runs in already. */
  readonly socket?: Socket;
}

/** Where a request goes: to the server, to a proxy that asks it, or through a proxy's tunnel. */
async function way(url: URL, proxy: URL | undefined, signal: AbortSignal): Promise<Way> {
  const path = `${url.pathname}${url.search}`;
  const at = (place: URL) => {
    return { host: bare(place.hostname), port: portOf(place), agent: false } as const;
  };
  if (proxy === undefined) return { target: { ...at(url), path } };
  if (url.protocol === 'http:') return { target: { ...at(proxy), path: url.href } };
  const socket = await tunnel(url, proxy, signal);
  return { target: { path, createConnection: () => socket }, socket };
}

async function tunnel(url: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
  const place = `${url.hostname}:${portOf(url)}`;
  const raw = await new Promise<Socket>((resolve, reject) => {
    const request = requestHttp({
      host: bare(proxy.hostname),
      port: portOf(proxy),
      method: 'CONNECT',
      path: place,
      headers: { host: place },
      agent: false,
      signal,
    });
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) {
        resolve(socket as Socket);
      } else {
        socket.destroy();
        reject(new Error(`the proxy ${proxy.host} refused ${place}: ${response.statusCode}`));
      }
    });
    request.on('error', reject);
    request.end();
  });
  return await new Promise((resolve, reject) => {
    const host = bare(url.hostname);
    const name = isIP(host) === 0 ? { servername: host } : {};
    const secure = connectTls({ socket: raw, host, ...name });
    secure.once('secureConnect', () => resolve(secure));
    secure.once('error', reject);
    signal.addEventListener('abort', () => secure.destroy(), { once: true });
  });
}

async function collect(response: IncomingMessage): Promise<HttpAnswer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response) {
    size += piece.length;
    if (size > LARGEST_ANSWER_BYTES) {
      response.destroy();
      throw new Error(`the answer is longer than ${LARGEST_ANSWER_BYTES} bytes`);
    }
    pieces.push(piece);
  }
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: Buffer.concat(pieces).toString() };
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

/** An IPv6 address without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
