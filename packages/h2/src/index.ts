export type { Clock, TimerHandle } from './clock.ts';
export { H2Error, type H2ErrorCode } from './errors.ts';
export { type BackoffOptions, defaultBackoff } from './grpc/backoff.ts';
export { CallError, type CallStatus } from './grpc/call-status.ts';
export { GrpcClient } from './grpc/client.ts';
export type {
  CallOptions,
  ClientReceiver,
  ClientRequest,
  ClientResponse,
  ClientState,
  ClientStream,
  GrpcClientOptions,
  UnaryOptions,
} from './grpc/client-types.ts';
export { GrpcServer } from './grpc/server.ts';
export { Status, type StatusCode } from './grpc/status.ts';
export type {
  AbortReason,
  CallInfo,
  Connection,
  GrpcMethod,
  GrpcServerOptions,
  GrpcService,
  HeaderFields,
  HttpExchange,
  Message,
  Metadata,
  ServerStats,
  StreamCall,
  StreamMethod,
  StreamReceiver,
  UnaryCall,
  UnaryMethod,
} from './grpc/types.ts';
export { defaultLimits, type Limits } from './limits.ts';
export { nodeClock } from './node-clock.ts';
