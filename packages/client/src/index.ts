export * from './everywhere.ts';
export { type ConnectOptions, connect, connectRpc, nodeEnvironment } from './node/connect.ts';
export type {
  CallDiagnostics,
  ConnectionDiagnostics,
  StreamDiagnostics,
} from './node/diagnostics.ts';
export type { ConnectionOptions } from './node/h2-channel.ts';
export { srvResolver } from './node/srv-resolver.ts';
export type { TlsOptions } from './node/tls-options.ts';
