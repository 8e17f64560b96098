// What this package gives in Node and in browsers alike; each has an index of its own.

export type { Cache, CachedRangeOptions, CacheOptions, CacheState } from './cache/cache.ts';
export type { CacheBatch, CacheChange } from './cache/cache-change.ts';
export type { CacheChanges } from './cache/cache-changes.ts';
export type { CallOptions } from './call-options.ts';
export type { MessageStream, ResponseStream } from './call-stream.ts';
export {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelFactory,
  type ChannelReceiver,
  type ChannelStream,
  ConnectFailure,
  type MetadataFields,
} from './channel.ts';
export { Client } from './client.ts';
export type { Access, Auth, Permission, Roles, Users } from './cluster/auth.ts';
export type {
  Alarm,
  ConnectTo,
  KeysHash,
  Maintenance,
  MemberStatus,
} from './cluster/maintenance.ts';
export type { Member, Members } from './cluster/members.ts';
export { createClient } from './create-client.ts';
export { type Bytes, json } from './encoding.ts';
export {
  type Discover,
  type DiscoveredEndpoint,
  type DiscoveredEndpoints,
  type Discovery,
  discoverEndpoints,
} from './endpoints/discovery.ts';
export { type Endpoint, parseEndpoint } from './endpoints/endpoint.ts';
export {
  lookUpSrv,
  type ResolveSrv,
  type SrvLookup,
  type SrvRecord,
  urlOfSrv,
} from './endpoints/srv.ts';
export {
  ClientError,
  type ClientErrorCode,
  type ClientErrorParts,
  type EndpointFailure,
  type FailureReason,
} from './errors.ts';
export {
  type CallInfo,
  type InterceptedStream,
  type Interceptor,
  isCallOf,
  type NextStream,
  type NextUnary,
  type StreamCall,
  type UnaryCall,
  withMetadata,
} from './interceptors/interceptor.ts';
export { observeStream, type StreamObserver } from './interceptors/observed-stream.ts';
export { openEnd, prefixEnd } from './key-range.ts';
export { KeyValue } from './key-value.ts';
export type { KeyRange, Keys, Keyspace, Span } from './keyspace.ts';
export { type Compare, type CompareMessage, type Comparison, compare } from './kv/compare.ts';
export type { GetAll, GetAllOptions } from './kv/get-all.ts';
export { type Op, type OpRangeOptions, op } from './kv/op.ts';
export type { RangeOptions, RangeResult, ReadOptions, RevisionFilters } from './kv/range.ts';
export type {
  ClientTransaction,
  Commit,
  Ops,
  ResultsOf,
  Transaction,
  TxnResult,
} from './kv/transaction.ts';
export type {
  DeleteOptions,
  DeleteResult,
  LeaseLike,
  PutOptions,
  PutResult,
} from './kv/write.ts';
export type { Lease } from './lease/lease.ts';
export type { LeaseOptions, LeaseStatus, Leases } from './lease/leases.ts';
export { type Mirror, type MirrorOptions, mirror } from './mirror/mirror.ts';
export {
  type ClientEnvironment,
  type ClientOptions,
  RpcClient,
} from './rpc-client.ts';
export type { ServiceClient } from './service.ts';
export type { Timers } from './timers.ts';
export type { Credentials } from './tokens/password-token.ts';
export type { Watch, WatchOptions } from './watch/watch.ts';
export type { WatchBatch, WatchEvent } from './watch/watch-event.ts';
