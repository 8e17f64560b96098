import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GrpcService, ServerStats } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import { NodeHttp2Transport } from './node-http2.ts';
import type { Transport } from './transport.ts';

/** `h2` is `@kvorum/h2`; `node-http2` is Node's own. */
export type TransportKind = 'h2' | 'node-http2';

export interface TransportOptions {
  readonly transport: TransportKind;
  readonly methods: GrpcService;
  readonly clock: Clock;
  readonly stats: ServerStats;
  readonly maxReceiveMessageBytes: number;
  readonly maxConcurrentStreams: number;
}

/** Makes the transport that was asked for. `handler` answers what isn't gRPC. */
export function createTransport(
  options: TransportOptions,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Transport {
  return new NodeHttp2Transport({
    ...options,
    // The compatibility API of node:http2 has the shape of node:http's.
    fallback: (request, response) =>
      handler(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  });
}
