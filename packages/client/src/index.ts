export type { CallOptions } from './call-options.ts';
export type { MessageStream, ResponseStream } from './call-stream.ts';
export {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelFactory,
  type ChannelReceiver,
  ConnectFailure,
} from './channel.ts';
export { Client, type ClientEnvironment, type ClientOptions } from './client.ts';
export { type Endpoint, parseEndpoint } from './endpoint.ts';
export {
  ClientError,
  type ClientErrorCode,
  type ClientErrorParts,
  type EndpointFailure,
  type FailureReason,
} from './errors.ts';
export { openEnd, prefixEnd } from './key-range.ts';
export { type ConnectOptions, connect } from './node/connect.ts';
export type { TlsOptions } from './node/dial.ts';
export type { ConnectionOptions } from './node/h2-channel.ts';
export type { Credentials } from './password-tokens.ts';
export type { ServiceClient } from './service.ts';
export type { Timers } from './timers.ts';
