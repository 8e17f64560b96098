import { CallError, type CallStatus, GrpcClient, nodeClock, Status } from '@kvorum/h2';
import {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelReceiver,
  ConnectFailure,
} from '../channel.ts';
import type { Endpoint } from '../endpoint.ts';
import { dial, type TlsOptions } from './dial.ts';

/** How the connections of a client in Node are made and watched over. */
export interface ConnectionOptions {
  /** How long to connect and greet may take, in ms. Default 5,000. */
  readonly dialTimeoutMs?: number;
  /**
   * Silence after which the server is asked for a sign of life, in ms; at least 10,000, since servers end connections
   * that ask more often. Default 0: never.
   */
  readonly keepaliveIntervalMs?: number;
  /** How long that sign may take, in ms. Default 20,000. */
  readonly keepaliveTimeoutMs?: number;
  /** Used for https:// and unixs:// endpoints, and for those without a scheme when it is given. */
  readonly tls?: TlsOptions;
  /** The largest answer taken, in bytes. Default 2^31 - 1, as etcd's client. */
  readonly maxReceiveBytes?: number;
  readonly userAgent?: string;
}

const shortestKeepaliveMs = 10_000;
const defaultDialTimeoutMs = 5000;
const defaultKeepaliveTimeoutMs = 20_000;
const largestAnswerBytes = 2 ** 31 - 1;

/** A channel over TCP, TLS or a unix socket, on this project's own HTTP/2. */
export class H2Channel implements Channel {
  readonly endpoint: Endpoint;
  readonly #client: GrpcClient;
  #failure: ConnectFailure | undefined = undefined;

  constructor(endpoint: Endpoint, options: ConnectionOptions) {
    this.endpoint = endpoint;
    const { tls, dialTimeoutMs = defaultDialTimeoutMs, userAgent } = options;
    const isTls = endpoint.security === 'tls' || (endpoint.security === 'by-options' && !!tls);
    const maxReceiveMessageBytes = options.maxReceiveBytes ?? largestAnswerBytes;
    const keepaliveMs = options.keepaliveIntervalMs ?? 0;
    this.#client = new GrpcClient({
      dial: () => dial(endpoint, tls, dialTimeoutMs),
      authority: endpoint.authority,
      scheme: isTls ? 'https' : 'http',
      ...(userAgent === undefined ? {} : { userAgent }),
      clock: nodeClock,
      random: Math.random,
      // A caller with other endpoints asks those meanwhile, and one without has little patience.
      backoff: { initialMs: 100, maxMs: 5000 },
      limits: {
        maxReceiveMessageBytes,
        maxReceiveBufferBytes: 2 * maxReceiveMessageBytes,
        handshakeTimeoutMs: dialTimeoutMs,
        keepaliveIntervalMs: keepaliveMs === 0 ? 0 : Math.max(keepaliveMs, shortestKeepaliveMs),
        keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? defaultKeepaliveTimeoutMs,
      },
      onStateChange: (state, error) => {
        if (state === 'ready') this.#failure = undefined;
        else if (error !== undefined) this.#failure = connectFailureOf(error);
      },
    });
  }

  get state(): 'idle' | 'ready' | 'failing' {
    if (this.#client.state === 'ready') return 'ready';
    return this.#failure === undefined ? 'idle' : 'failing';
  }

  async unary(path: string, request: Uint8Array, options: ChannelCallOptions): Promise<Uint8Array> {
    try {
      return await this.#client.unary(path, request, callOptions(options));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw this.#failureOf(error.callStatus);
    }
  }

  stream(path: string, receiver: ChannelReceiver, options: ChannelCallOptions) {
    const forwarding = {
      onMessage: (message: Uint8Array) => receiver.onMessage(message),
      onEnd: (status: CallStatus) => {
        receiver.onEnd(status.status === Status.ok ? undefined : this.#failureOf(status));
      },
    };
    return this.#client.stream(path, forwarding, callOptions(options));
  }

  close(): void {
    this.#client.close();
  }

  #failureOf({ status, message, isUnprocessed }: CallStatus): CallFailure {
    const isOfConnection = status === Status.unavailable && isUnprocessed;
    const connect = isOfConnection ? this.#failure : undefined;
    return new CallFailure(status, message, isUnprocessed, connect);
  }
}

function callOptions({ metadata, timeoutMs, signal }: ChannelCallOptions) {
  return {
    metadata,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function connectFailureOf(error: Error): ConnectFailure {
  if (error instanceof ConnectFailure) return error;
  return new ConnectFailure('connect', error.message, error);
}
