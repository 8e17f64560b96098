import { ClientError, type ClientErrorCode } from '../errors.ts';
import {
  ClientClosedError,
  EtcdAuthenticationFailedError,
  EtcdError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
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
} from './errors.ts';

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

const classesByCode: Partial<Record<ClientErrorCode, ErrorClass>> = {
  roleAlreadyExist: EtcdRoleExistsError,
  userAlreadyExist: EtcdUserExistsError,
  roleNotGranted: EtcdRoleNotGrantedError,
  roleNotFound: EtcdRoleNotFoundError,
  userNotFound: EtcdUserNotFoundError,
  authFailed: EtcdAuthenticationFailedError,
  permissionDenied: EtcdPermissionDeniedError,
  invalidAuthToken: EtcdInvalidAuthTokenError,
  leaseNotFound: EtcdLeaseInvalidError,
  leaseExpired: EtcdLeaseInvalidError,
};

/** By gRPC status: the class, and the status's name. */
const classesByStatus: Readonly<Record<number, readonly [string, ErrorClass]>> = {
  1: ['CANCELLED', GRPCCancelledError],
  2: ['UNKNOWN', GRPCUnknownError],
  3: ['INVALID_ARGUMENT', GRPCInvalidArgumentError],
  4: ['DEADLINE_EXCEEDED', GRPCDeadlineExceededError],
  5: ['NOT_FOUND', GRPCNotFoundError],
  6: ['ALREADY_EXISTS', GRPCAlreadyExistsError],
  7: ['PERMISSION_DENIED', EtcdPermissionDeniedError],
  8: ['RESOURCE_EXHAUSTED', GRPCResourceExhastedError],
  9: ['FAILED_PRECONDITION', GRPCFailedPreconditionError],
  10: ['ABORTED', GRPCAbortedError],
  11: ['OUT_OF_RANGE', GRPCOutOfRangeError],
  12: ['UNIMPLEMENTED', GRPCNotImplementedError],
  13: ['INTERNAL', GRPCInternalError],
  14: ['UNAVAILABLE', GRPCUnavailableError],
  15: ['DATA_LOSS', GRPCDataLossError],
  16: ['UNAUTHENTICATED', GRPCUnauthenticatedError],
};

/** What npm's etcd3 would have thrown, with the text that its users know; anything but a `ClientError` as it is. */
export function castError(error: unknown, service = 'etcd'): unknown {
  if (!(error instanceof ClientError)) return error;
  const { code, status, message } = error;
  const options = { cause: error };
  if (code === 'closed') return new ClientClosedError(service, options);
  const [name, byStatus] = classesByStatus[status] ?? ['UNKNOWN', GRPCGenericError];
  const Class = classesByCode[code] ?? byStatus;
  return new Class(`${status} ${name}: ${message}`, options);
}

/** The same of a watch, which is told by a text without a status. */
export function castWatchError(error: unknown): unknown {
  if (!(error instanceof ClientError) || error.code === 'closed') return castError(error, 'Watch');
  const Class = classesByCode[error.code] ?? EtcdError;
  const reason =
    error.code === 'compacted'
      ? 'etcdserver: mvcc: required revision has been compacted'
      : error.message;
  return new Class(`Watcher canceled: ${reason}`, { cause: error });
}
