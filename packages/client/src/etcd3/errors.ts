/* The errors of npm's etcd3: callers tell them apart by `instanceof`. Those of calls have a `ClientError` as `cause`. */

/** The client was closed before the call. */
export class ClientClosedError extends Error {
  constructor(namespace: string, options?: ErrorOptions) {
    const what = `Tried to call a ${namespace} method on etcd3, but the client was already closed`;
    super(what, options);
  }
}

/** Marks errors after which the same call may succeed. */
export const RecoverableError: unique symbol = Symbol('RecoverableError');

/** Whether the same call may succeed later. */
export const isRecoverableError = (error: Error): boolean => RecoverableError in error;

/** The base of errors that have a gRPC status and no class of etcd's own. */
export class GRPCGenericError extends Error {}

/** Status 13. */
export class GRPCInternalError extends GRPCGenericError {
  readonly [RecoverableError] = true;
}

/** Status 1, also when the caller's signal has ended the call. */
export class GRPCCancelledError extends GRPCGenericError {
  readonly [RecoverableError] = true;
}

/** Status 2. */
export class GRPCUnknownError extends GRPCGenericError {
  readonly [RecoverableError] = true;
}

/** Status 3. */
export class GRPCInvalidArgumentError extends GRPCGenericError {}

/** Status 4: no answer in time. A write may have been done; its `cause` says so. */
export class GRPCDeadlineExceededError extends GRPCGenericError {
  readonly [RecoverableError] = true;
}

/** Status 5. */
export class GRPCNotFoundError extends GRPCGenericError {}

/** Status 6. */
export class GRPCAlreadyExistsError extends GRPCGenericError {}

/** Status 8. */
export class GRPCResourceExhastedError extends GRPCGenericError {
  readonly [RecoverableError] = true;
}

/** Status 9. */
export class GRPCFailedPreconditionError extends GRPCGenericError {}

/** Status 10. */
export class GRPCAbortedError extends GRPCGenericError {
  readonly [RecoverableError] = true;
}

/** Status 11, such as a revision that was compacted. */
export class GRPCOutOfRangeError extends GRPCGenericError {}

/** Status 12. */
export class GRPCNotImplementedError extends GRPCGenericError {}

/** Status 14, also when no host could be reached. */
export class GRPCUnavailableError extends GRPCGenericError {
  readonly [RecoverableError] = true;
}

/** Status 15. */
export class GRPCDataLossError extends GRPCGenericError {}

/** Status 16. */
export class GRPCUnauthenticatedError extends GRPCGenericError {}

/** What has no class of its own, such as a watch that was refused. */
export class EtcdError extends Error {}

/** The lease has expired, or was revoked. */
export class EtcdLeaseInvalidError extends Error {
  constructor(leaseID: string, options?: ErrorOptions) {
    super(`Lease ${leaseID} is expired or revoked`, options);
  }
}

/** There is such a role already. */
export class EtcdRoleExistsError extends Error {}

/** There is such a user already. */
export class EtcdUserExistsError extends Error {}

/** The user does not have the role. */
export class EtcdRoleNotGrantedError extends Error {}

/** There is no such role. */
export class EtcdRoleNotFoundError extends Error {}

/** There is no such user. */
export class EtcdUserNotFoundError extends Error {}

/** Somebody else has the lock. */
export class EtcdLockFailedError extends Error {}

/** User or password are wrong. */
export class EtcdAuthenticationFailedError extends Error {}

/** The server knows no such token. */
export class EtcdInvalidAuthTokenError extends Error {}

/** The user may not do this. */
export class EtcdPermissionDeniedError extends Error {}

/** The candidate has resigned, or lost its key. */
export class NotCampaigningError extends Error {}

/** A transaction met so many conflicts that it was given up. */
export class STMConflictError extends Error {
  constructor() {
    super('A conflict occurred executing the software transaction');
  }
}
