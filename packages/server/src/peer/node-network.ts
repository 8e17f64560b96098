import { get as httpGet, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { EndpointUrl } from '../config/endpoint-url.ts';
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

/** The network of this machine; connections over TCP begin at `localAddress`, or where the system chooses. */
export function nodeNetwork(clock: Clock, localAddress?: string): PeerNetwork {
  const from = localAddress === undefined ? {} : { localAddress };
  const dial = (url: EndpointUrl) => dialSocket(url, from, clock);
  return { dial, get: (url, path) => getPage(url, path, from, clock) };
}

/** Where a connection begins. */
interface Origin {
  readonly localAddress?: string;
}

function dialSocket(url: EndpointUrl, from: Origin, clock: Clock): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket: Socket =
      url.path === '' ? connect({ ...from, port: url.port, host: url.host }) : connect(url.path);
    const stopTimer = clock.after(DIAL_TIMEOUT_MS, () => {
      socket.destroy(new Error(`no connection to ${url.href} within ${DIAL_TIMEOUT_MS} ms`));
    });
    const onError = (error: Error) => {
      stopTimer();
      reject(error);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      stopTimer();
      socket.off('error', onError);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

function getPage(url: EndpointUrl, path: string, from: Origin, clock: Clock): Promise<PeerAnswer> {
  return new Promise((resolve, reject) => {
    const target =
      url.path === '' ? { ...from, host: url.host, port: url.port } : { socketPath: url.path };
    const request = httpGet({ ...target, path, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        stopTimer();
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
