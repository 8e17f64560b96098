import { Histogram } from './histogram.ts';
import type { TextExposition } from './text-exposition.ts';

/** Bytes, failures and watch sends on the client port. */
export class NetworkMetrics {
  /** etcd_network_client_grpc_received_bytes_total */
  clientReceivedBytes = 0;
  /** etcd_network_client_grpc_sent_bytes_total */
  clientSentBytes = 0;
  /** etcd_network_server_stream_failures_total{Type="receive",API="watch"} */
  watchReceiveFailures = 0;
  /** etcd_network_server_stream_failures_total{Type="send",API="watch"} */
  watchSendFailures = 0;
  /** etcd_network_server_stream_failures_total{Type="receive",API="lease-keepalive"} */
  keepAliveReceiveFailures = 0;
  /** etcd_network_server_stream_failures_total{Type="send",API="lease-keepalive"} */
  keepAliveSendFailures = 0;
  /** etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds: sending one watch response. */
  readonly watchSendSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds */
  readonly watchSendPerEventSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_debugging_server_watch_send_loop_control_stream_duration_seconds */
  readonly watchControlSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_debugging_server_watch_send_loop_progress_duration_seconds */
  readonly watchProgressSeconds = Histogram.exponential(0.001, 2, 14);

  write(out: TextExposition): void {
    out.counter(
      'etcd_network_client_grpc_received_bytes_total',
      'Bytes of requests.',
      this.clientReceivedBytes,
    );
    out.counter(
      'etcd_network_client_grpc_sent_bytes_total',
      'Bytes of responses.',
      this.clientSentBytes,
    );
    out.open('etcd_network_server_stream_failures_total', 'counter', 'Streams that failed.');
    out.sample({ Type: 'receive', API: 'watch' }, this.watchReceiveFailures);
    out.sample({ Type: 'send', API: 'watch' }, this.watchSendFailures);
    out.sample({ Type: 'receive', API: 'lease-keepalive' }, this.keepAliveReceiveFailures);
    out.sample({ Type: 'send', API: 'lease-keepalive' }, this.keepAliveSendFailures);
    const loop = 'etcd_debugging_server_watch_send_loop';
    out.histogram(
      `${loop}_watch_stream_duration_seconds`,
      'Time to send a watch response.',
      this.watchSendSeconds,
    );
    out.histogram(
      `${loop}_watch_stream_duration_per_event_seconds`,
      'The same, per event.',
      this.watchSendPerEventSeconds,
    );
    out.histogram(
      `${loop}_control_stream_duration_seconds`,
      'Time to send a control response.',
      this.watchControlSeconds,
    );
    out.histogram(
      `${loop}_progress_duration_seconds`,
      'Time to send a progress response.',
      this.watchProgressSeconds,
    );
  }
}
