import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Clock } from '../../clock.ts';

/** A request to the v2 keys below the registry. */
export interface GateRequest {
  readonly method: string;
  /** Below /v2/keys/_etcd/registry, with a slash in front. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  readonly body: Buffer | undefined;
  readonly contentType: string | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export interface GateOptions {
  /** Tried one after the other until one can be reached, beginning with the last that could. */
  readonly endpoints: readonly URL[];
  readonly ca: Buffer | undefined;
  readonly clock: Pick<Clock, 'after'>;
}

/** Time for a connection; how long an answer takes is up to the etcd, since members wait for others. */
const CONNECT_TIMEOUT_MS = 5000;

const prefix = '/v2/keys/_etcd/registry';

/** The way to an etcd whose v2 keys hold the tokens. */
export class RegistryGate {
  readonly #endpoints: readonly URL[];
  readonly #clock: Pick<Clock, 'after'>;
  readonly #trust: { readonly ca?: Buffer };
  #first = 0;

  constructor({ endpoints, ca, clock }: GateOptions) {
    this.#endpoints = endpoints;
    this.#clock = clock;
    this.#trust = ca === undefined ? {} : { ca };
  }

  /**
   * Resolves with the head of the answer, whatever its status. Rejects when no endpoint can be reached, or one broke
   * off after it had got the request.
   */
  async open(request: GateRequest): Promise<IncomingMessage> {
    const reasons: string[] = [];
    for (let i = 0; i < this.#endpoints.length; i++) {
      const index = (this.#first + i) % this.#endpoints.length;
      const endpoint = this.#endpoints[index];
      if (endpoint === undefined) break;
      try {
        const answer = await this.#openAt(endpoint, request);
        this.#first = index;
        return answer;
      } catch (error) {
        request.signal.throwIfAborted();
        if (!(error instanceof Unreached)) throw error;
        reasons.push(`${endpoint.origin}: ${error.message}`);
      }
    }
    throw new Error(`no etcd can be reached: ${reasons.join('; ')}`);
  }

  #openAt(endpoint: URL, request: GateRequest): Promise<IncomingMessage> {
    const { method, path, query, body, contentType, signal } = request;
    const isTls = endpoint.protocol === 'https:';
    const send = isTls ? requestHttps : requestHttp;
    const target = new URL(`${prefix}${path}${query}`, endpoint);
    const headers = {
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    };
    return new Promise((resolve, reject) => {
      // A connection each: one that was kept may turn out to be dead when the request has been sent.
      const options = { method, headers, agent: false, signal, ...this.#trust };
      const outgoing = send(target, options, resolve);
      let isConnected = false;
      const stopTimer = this.#clock.after(CONNECT_TIMEOUT_MS, () => {
        outgoing.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
      });
      const connected = () => {
        stopTimer();
        isConnected = true;
      };
      outgoing.on('socket', (socket) => {
        if (!socket.connecting) connected();
        else socket.once(isTls ? 'secureConnect' : 'connect', connected);
      });
      outgoing.on('error', (error) => {
        stopTimer();
        reject(isConnected ? error : new Unreached(messageOf(error)));
      });
      outgoing.end(body);
    });
  }
}

/** The request was not sent. */
class Unreached extends Error {}

function messageOf(error: Error): string {
  return error instanceof AggregateError
    ? error.errors.map((one) => (one as Error).message).join('; ')
    : error.message;
}
