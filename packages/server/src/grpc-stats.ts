import { etcdServices } from '@kvorum/api';
import type { ServerStats } from '@kvorum/h2';
import type { BusyPoll } from './busy-poll.ts';
import type { Logger } from './logging/logger.ts';
import type { GrpcMethodMetrics } from './metrics/grpc-metrics.ts';
import type { Metrics } from './metrics/metrics.ts';

/** The `grpc_type` label of each kind of method. */
const TYPES = {
  unary: 'unary',
  client_streaming: 'client_stream',
  server_streaming: 'server_stream',
  bidi_streaming: 'bidi_stream',
} as const;

/** Unary requests that take longer than this are logged. */
export interface SlowRequests {
  readonly afterMs: number;
  readonly logger: Logger;
}

/**
 * Counts what the transport sees under etcd's metric names, for every method of etcd's services, and lets `busyPoll`
 * know when clients are heard and answered.
 */
export function grpcStats(
  metrics: Metrics,
  slow: SlowRequests,
  busyPoll: Pick<BusyPoll, 'heard' | 'answered'>,
): ServerStats {
  const byPath = new Map<string, GrpcMethodMetrics>();
  for (const service of etcdServices) {
    for (const { name, methodKind } of service.methods) {
      const method = metrics.grpc.register(TYPES[methodKind], service.typeName, name);
      byPath.set(`/${service.typeName}/${name}`, method);
    }
  }
  const { network, server } = metrics;
  return {
    connectionOpened() {},
    connectionClosed() {},
    bytesReceived(bytes) {
      network.clientReceivedBytes += bytes;
      busyPoll.heard();
    },
    bytesSent(bytes) {
      network.clientSentBytes += bytes;
      busyPoll.answered();
    },
    callStarted(path) {
      const method = byPath.get(path);
      if (method === undefined) return;
      method.started += 1;
      if (method.type === 'unary') server.unaryRequestsTotal += 1;
      else server.streamRequestsTotal += 1;
    },
    callFinished(path, status, durationMs) {
      const method = byPath.get(path);
      if (method === undefined) return;
      method.handled(status, durationMs);
      if (durationMs > slow.afterMs && method.type === 'unary') {
        slow.logger.warn('request stats', {
          method: path,
          took: `${durationMs.toFixed(3)}ms`,
          'expected-duration': `${slow.afterMs}ms`,
          'grpc-code': status,
        });
      }
    },
    messageReceived(path) {
      const method = byPath.get(path);
      if (method !== undefined) method.received += 1;
    },
    messageSent(path) {
      const method = byPath.get(path);
      if (method !== undefined) method.sent += 1;
    },
  };
}
