export type { Clock, TimerHandle } from './clock.ts';
export { H2Error, type H2ErrorCode } from './errors.ts';
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
