import type { ServerStats } from '@kvorum/h2';
import type { GrpcMethodMetrics } from './grpc-metrics.ts';
import type { Metrics } from './metrics.ts';

/**
 * What the gRPC transport counts, written into `metrics`. Calls of methods that were not registered are ignored.
 * etcd's byte counters are about messages, so frames and headers do not count.
 */
export function transportStats(metrics: Metrics): ServerStats {
  const { grpc, network, server } = metrics;
  return {
    connectionOpened() {},
    connectionClosed() {},
    bytesReceived() {},
    bytesSent() {},
    callStarted(path) {
      const method = grpc.find(path);
      if (method !== undefined) {
        method.started += 1;
        countRequest(method);
      }
    },
    callFinished(path, status, durationMs) {
      grpc.find(path)?.handled(status, durationMs);
    },
    messageReceived(path, bytes) {
      network.clientReceivedBytes += bytes;
      const method = grpc.find(path);
      if (method !== undefined) {
        method.received += 1;
      }
    },
    messageSent(path, bytes) {
      network.clientSentBytes += bytes;
      const method = grpc.find(path);
      if (method !== undefined) {
        method.sent += 1;
      }
    },
  };

  function countRequest(method: GrpcMethodMetrics): void {
    if (method.type === 'unary') {
      server.unaryRequestsTotal += 1;
    } else {
      server.streamRequestsTotal += 1;
    }
  }
}
