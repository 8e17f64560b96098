/** Bytes and failures on the client port. Only ever added to. */
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
}
