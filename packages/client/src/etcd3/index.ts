// The API of npm's etcd3, as far as its users call it, on top of this package's own: moving is changing an import.

export type { CallContext, CallOptions, CallOptionsFactory } from './call-options.ts';
export { Campaign, type CampaignEvents } from './campaign.ts';
export {
  ComparatorBuilder,
  comparator,
  compareTarget,
  type IOperation,
} from './comparator-builder.ts';
export { DeleteBuilder } from './delete-builder.ts';
export { Election } from './election.ts';
export { ElectionObserver, type ElectionObserverEvents } from './election-observer.ts';
export {
  ClientClosedError,
  EtcdAuthenticationFailedError,
  EtcdError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdLockFailedError,
  EtcdPermissionDeniedError,
  EtcdRoleExistsError,
  EtcdRoleNotFoundError,
  EtcdRoleNotGrantedError,
  EtcdUserExistsError,
  EtcdUserNotFoundError,
  GRPCAbortedError,
  GRPCAlreadyExistsError,
  GRPCCancelledError,
  GRPCDataLossError,
  GRPCDeadlineExceededError,
  GRPCFailedPreconditionError,
  GRPCGenericError,
  GRPCInternalError,
  GRPCInvalidArgumentError,
  GRPCNotFoundError,
  GRPCNotImplementedError,
  GRPCOutOfRangeError,
  GRPCResourceExhastedError,
  GRPCUnauthenticatedError,
  GRPCUnavailableError,
  GRPCUnknownError,
  isRecoverableError,
  NotCampaigningError,
  RecoverableError,
  STMConflictError,
} from './errors.ts';
export { Etcd3, type IOptions } from './etcd3.ts';
export { type ILeaseOptions, Lease, LeaseState } from './lease.ts';
export { Lock } from './lock.ts';
export type {
  CompareResult,
  CompareTarget,
  ICompare,
  IDeleteRangeRequest,
  IDeleteRangeResponse,
  IEvent,
  IKeyValue,
  ILeaseKeepAliveResponse,
  IPutRequest,
  IPutResponse,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  IResponseHeader,
  IResponseOp,
  ITxnRequest,
  ITxnResponse,
  IWatchResponse,
  SortOrder,
  SortTarget,
} from './messages.ts';
export { Namespace } from './namespace.ts';
export { PutBuilder } from './put-builder.ts';
export { type Rangable, Range } from './range.ts';
export { MultiRangeBuilder, RangeBuilder, SingleRangeBuilder } from './range-builders.ts';
export {
  type IPermissionRequest,
  type IPermissionResult,
  type Permission,
  Role,
  User,
} from './roles-and-users.ts';
export { type ISTMOptions, SoftwareTransaction } from './stm.ts';
export { Isolation } from './stm-attempt.ts';
export { WatchBuilder, type WatchedOperation } from './watch-builder.ts';
export { Watcher, type WatcherEvents } from './watcher.ts';
