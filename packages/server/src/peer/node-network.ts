import { get as httpGet, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { EndpointUrl } from '../config/endpoint-url.ts';
import { isSecure } from '../config/secure-urls.ts';
import type { TlsDialing } from '../tls/tls-dialing.ts';
import type { DialPeer } from './peer-address.ts';

/** The answer to a plain HTTP request on a peer port. */
export interface PeerAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How other members are reached: injected, so that a test can have a network of its own. */
export interface PeerNetwork {
  readonly dial: DialPeer;
  /** Asks for a page of a peer port over HTTP/1; rejects when there is no answer in time. */
  get(url: EndpointUrl, path: string): Promise<PeerAnswer>;
}

/** Time for a connection, and for an answer. */
const DIAL_TIMEOUT_MS = 2000;
const ANSWER_TIMEOUT_MS = 3000;

/**
 * The network of this machine; connections over TCP begin at `localAddress`, or where the system chooses. Addresses over
 * TLS are spoken to by `tls`.
 */
export function nodeNetwork(clock: Clock, tls: TlsDialing, localAddress?: string): PeerNetwork {
  const from = localAddress === undefined ? {} : { localAddress };
  const dial = (url: EndpointUrl, protocol: DialProtocol) =>
    dialSocket(url, { from, clock, tls, protocol });
  return {
    dial: (url) => dial(url, 'h2'),
    get: async (url, path) => await getPage(url, path, await dial(url, 'http/1.1'), clock),
  };
}

/** What is spoken on a connection, by ALPN's names. */
type DialProtocol = 'h2' | 'http/1.1';

interface DialOptions {
  /** Where a connection begins. */
  readonly from: { readonly localAddress?: string };
  readonly clock: Clock;
  readonly tls: TlsDialing;
  readonly protocol: DialProtocol;
}

function dialSocket(url: EndpointUrl, options: DialOptions): Promise<Socket> {
  const { from, clock, tls, protocol } = options;
  return new Promise((resolve, reject) => {
    const socket =
      url.path === '' ? connect({ ...from, port: url.port, host: url.host }) : connect(url.path);
    const stopTimer = clock.after(DIAL_TIMEOUT_MS, () => {
      const what = socket.connecting ? 'connection' : 'TLS handshake';
      socket.destroy(new Error(`no ${what} to ${url.href} within ${DIAL_TIMEOUT_MS} ms`));
    });
    const fail = (error: Error) => {
      stopTimer();
      reject(error);
    };
    const opened = (stream: Socket) => {
      stopTimer();
      stream.off('error', fail);
      // Until its owner listens, which may be a few ticks from now.
      stream.on('error', () => {});
      resolve(stream);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setNoDelay(true);
      if (!isSecure(url)) {
        opened(socket);
        return;
      }
      tls.secure(socket, url, protocol, (error, secured) => {
        if (secured === undefined) {
          socket.destroy();
          fail(error);
        } else opened(secured);
      });
    });
  });
}

function getPage(
  url: EndpointUrl,
  path: string,
  socket: Socket,
  clock: Clock,
): Promise<PeerAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { host: url.path === '' ? `${url.host}:${url.port}` : 'localhost' };
    const createConnection = () => socket;
    const request = httpGet({ path, headers, createConnection }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        stopTimer();
        socket.destroy();
        const body = Buffer.concat(pieces).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    const stopTimer = clock.after(ANSWER_TIMEOUT_MS, () => {
      request.destroy(new Error(`no answer of ${url.href} within ${ANSWER_TIMEOUT_MS} ms`));
    });
    request.on('error', (error) => {
      stopTimer();
      reject(error);
    });
  });
}
