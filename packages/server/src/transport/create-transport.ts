import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GrpcService, HttpExchange, ServerStats } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging/logger.ts';
import { H2Transport } from './h2.ts';
import { NodeHttp2Transport } from './node-http2.ts';
import type { Transport } from './transport.ts';

/** `h2` is `@kvorum/h2`; `node-http2` is Node's own. */
export type TransportKind = 'h2' | 'node-http2';

export interface TransportOptions {
  readonly transport: TransportKind;
  readonly methods: GrpcService;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: ServerStats;
  readonly maxReceiveMessageBytes: number;
  readonly maxConcurrentStreams: number;
  /** Keep-alive of connections, in milliseconds, as the --grpc-keepalive-* flags say; an interval of 0 is never. */
  readonly keepalive: {
    readonly minTimeMs: number;
    readonly intervalMs: number;
    readonly timeoutMs: number;
  };
}

/** Who answers what isn't gRPC, in the shape of either transport. */
export interface Fallbacks {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void;
  readonly exchange: (exchange: HttpExchange) => void;
}

/**
 * etcd doesn't limit the streams of a connection (its default is 2^32-1); a slot is small, but not nothing, and a peer
 * that opens a million is broken or hostile. Flags may ask for fewer.
 */
const MOST_CONCURRENT_STREAMS = 100_000;

/** Makes the transport that was asked for. */
export function createTransport(options: TransportOptions, fallbacks: Fallbacks): Transport {
  const maxConcurrentStreams = Math.min(options.maxConcurrentStreams, MOST_CONCURRENT_STREAMS);
  if (options.transport === 'node-http2') {
    return new NodeHttp2Transport({
      ...options,
      maxConcurrentStreams,
      // The compatibility API of node:http2 has the shape of node:http's.
      fallback: (request, response) =>
        fallbacks.request(
          request as unknown as IncomingMessage,
          response as unknown as ServerResponse,
        ),
    });
  }
  const { methods, clock, stats, logger, maxReceiveMessageBytes, keepalive } = options;
  const limits = {
    maxReceiveMessageBytes,
    maxConcurrentStreams,
    pingMinIntervalMs: keepalive.minTimeMs,
    keepaliveTimeoutMs: keepalive.timeoutMs,
    ...(keepalive.intervalMs === 0 ? {} : { keepaliveIntervalMs: keepalive.intervalMs }),
  };
  return new H2Transport(
    {
      methods,
      stats,
      limits,
      fallback: fallbacks.exchange,
      onError: (error, peer) =>
        logger.debug('a client connection was closed', { error, 'remote-addr': peer }),
    },
    clock,
  );
}
