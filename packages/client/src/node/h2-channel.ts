import { CallError, type CallStatus, GrpcClient, nodeClock, Status } from '@kvorum/h2';
import {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelReceiver,
  type ChannelStream,
  ConnectFailure,
} from '../channel.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { publishConnection } from './diagnostics.ts';
import { dial, tlsText } from './dial.ts';
import type { TlsOptions } from './tls-options.ts';

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
  /** The largest request of one message that is sent, in bytes. Default: any. */
  readonly maxSendBytes?: number;
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
  readonly #maxSendBytes: number;
  #failure: ConnectFailure | undefined = undefined;
  #openCalls = 0;
  #isRetired = false;

  constructor(endpoint: Endpoint, options: ConnectionOptions) {
    this.endpoint = endpoint;
    this.#maxSendBytes = options.maxSendBytes ?? Number.POSITIVE_INFINITY;
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
        publishConnection({ endpoint: endpoint.text, state, error });
      },
    });
  }

  get state(): 'idle' | 'ready' | 'failing' {
    if (this.#client.state === 'ready') return 'ready';
    return this.#failure === undefined ? 'idle' : 'failing';
  }

  async unary(path: string, request: Uint8Array, options: ChannelCallOptions): Promise<Uint8Array> {
    if (request.length > this.#maxSendBytes) {
      const sizes = `${request.length} vs. ${this.#maxSendBytes}`;
      const text = `trying to send message larger than max (${sizes})`;
      throw new CallFailure(Status.resourceExhausted, text, true);
    }
    this.#openCalls += 1;
    try {
      return await this.#client.unary(path, request, callOptions(options));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw this.#failureOf(error.callStatus);
    } finally {
      this.#callEnded();
    }
  }

  stream(path: string, receiver: ChannelReceiver, options: ChannelCallOptions): ChannelStream {
    const forwarding = {
      onMessage: (message: Uint8Array) => receiver.onMessage(message),
      onEnd: (status: CallStatus) => {
        this.#callEnded();
        receiver.onEnd(status.status === Status.ok ? undefined : this.#failureOf(status));
      },
    };
    this.#openCalls += 1;
    return this.#client.stream(path, forwarding, callOptions(options));
  }

  probe(timeoutMs: number): void {
    this.#client.probe(timeoutMs);
  }

  retire(): void {
    this.#isRetired = true;
    if (this.#openCalls === 0) this.close();
  }

  close(): void {
    this.#client.close();
  }

  #callEnded(): void {
    this.#openCalls -= 1;
    if (this.#isRetired && this.#openCalls === 0) this.close();
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
  // In TLS 1.3 a server may say what it thinks of the client's certificate after the handshake.
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  if (cause?.code?.startsWith('ERR_SSL_')) return new ConnectFailure('tls', tlsText(cause), error);
  return new ConnectFailure('connect', error.message, error);
}
