/** gRPC status numbers by name. */
export const grpcStatus = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** One error of the protocol. */
export interface EtcdErrorRow {
  /** etcd's name, such as `ErrCompacted`. */
  readonly name: string;
  /** gRPC status number, 1 to 16. */
  readonly status: number;
  /** Message, exactly as it goes over the wire. */
  readonly text: string;
  /** gRPC status number that etcd's server sends; differs from `status` in two rows. */
  readonly wireStatus: number;
}

function row(name: string, status: number, text: string, wireStatus = status): EtcdErrorRow {
  return { name, status, text, wireStatus };
}

/**
 * What etcd answers when it refuses: one row per error.
 *
 * The texts are part of the protocol: clients recognise errors by them, not by the status alone.
 * `status` is the one that etcd's client library has for the error. Two errors leave etcd's server as
 * UNKNOWN instead, and clients restore the status from the text.
 */
export const etcdErrors = {
  emptyKey: row('ErrEmptyKey', grpcStatus.invalidArgument, 'etcdserver: key is not provided'),
  keyNotFound: row('ErrKeyNotFound', grpcStatus.invalidArgument, 'etcdserver: key not found'),
  valueProvided: row(
    'ErrValueProvided',
    grpcStatus.invalidArgument,
    'etcdserver: value is provided',
  ),
  leaseProvided: row(
    'ErrLeaseProvided',
    grpcStatus.invalidArgument,
    'etcdserver: lease is provided',
  ),
  tooManyOps: row(
    'ErrTooManyOps',
    grpcStatus.invalidArgument,
    'etcdserver: too many operations in txn request',
  ),
  duplicateKey: row(
    'ErrDuplicateKey',
    grpcStatus.invalidArgument,
    'etcdserver: duplicate key given in txn request',
  ),
  invalidClientApiVersion: row(
    'ErrInvalidClientAPIVersion',
    grpcStatus.invalidArgument,
    'etcdserver: invalid client api version',
  ),
  invalidSortOption: row(
    'ErrInvalidSortOption',
    grpcStatus.invalidArgument,
    'etcdserver: invalid sort option',
  ),
  compacted: row(
    'ErrCompacted',
    grpcStatus.outOfRange,
    'etcdserver: mvcc: required revision has been compacted',
  ),
  futureRev: row(
    'ErrFutureRev',
    grpcStatus.outOfRange,
    'etcdserver: mvcc: required revision is a future revision',
  ),
  noSpace: row(
    'ErrNoSpace',
    grpcStatus.resourceExhausted,
    'etcdserver: mvcc: database space exceeded',
  ),
  leaseNotFound: row(
    'ErrLeaseNotFound',
    grpcStatus.notFound,
    'etcdserver: requested lease not found',
  ),
  leaseExist: row(
    'ErrLeaseExist',
    grpcStatus.failedPrecondition,
    'etcdserver: lease already exists',
  ),
  leaseTtlTooLarge: row(
    'ErrLeaseTTLTooLarge',
    grpcStatus.outOfRange,
    'etcdserver: too large lease TTL',
  ),
  watchCanceled: row('ErrWatchCanceled', grpcStatus.canceled, 'etcdserver: watch canceled'),
  memberExist: row(
    'ErrMemberExist',
    grpcStatus.failedPrecondition,
    'etcdserver: member ID already exist',
  ),
  peerUrlExist: row(
    'ErrPeerURLExist',
    grpcStatus.failedPrecondition,
    'etcdserver: Peer URLs already exists',
  ),
  memberNotEnoughStarted: row(
    'ErrMemberNotEnoughStarted',
    grpcStatus.failedPrecondition,
    'etcdserver: re-configuration failed due to not enough started members',
    grpcStatus.unknown,
  ),
  memberBadUrls: row(
    'ErrMemberBadURLs',
    grpcStatus.invalidArgument,
    'etcdserver: given member URLs are invalid',
  ),
  memberNotFound: row('ErrMemberNotFound', grpcStatus.notFound, 'etcdserver: member not found'),
  memberNotLearner: row(
    'ErrMemberNotLearner',
    grpcStatus.failedPrecondition,
    'etcdserver: can only promote a learner member',
  ),
  learnerNotReady: row(
    'ErrLearnerNotReady',
    grpcStatus.failedPrecondition,
    'etcdserver: can only promote a learner member which is in sync with leader',
  ),
  tooManyLearners: row(
    'ErrTooManyLearners',
    grpcStatus.failedPrecondition,
    'etcdserver: too many learner members in cluster',
  ),
  clusterIdMismatch: row(
    'ErrClusterIDMismatch',
    grpcStatus.failedPrecondition,
    'etcdserver: cluster ID mismatch',
  ),
  requestTooLarge: row(
    'ErrRequestTooLarge',
    grpcStatus.invalidArgument,
    'etcdserver: request is too large',
  ),
  tooManyRequests: row(
    'ErrTooManyRequests',
    grpcStatus.resourceExhausted,
    'etcdserver: too many requests',
    grpcStatus.unknown,
  ),
  rootUserNotExist: row(
    'ErrRootUserNotExist',
    grpcStatus.failedPrecondition,
    'etcdserver: root user does not exist',
  ),
  rootRoleNotExist: row(
    'ErrRootRoleNotExist',
    grpcStatus.failedPrecondition,
    'etcdserver: root user does not have root role',
  ),
  userAlreadyExist: row(
    'ErrUserAlreadyExist',
    grpcStatus.failedPrecondition,
    'etcdserver: user name already exists',
  ),
  userEmpty: row('ErrUserEmpty', grpcStatus.invalidArgument, 'etcdserver: user name is empty'),
  userNotFound: row(
    'ErrUserNotFound',
    grpcStatus.failedPrecondition,
    'etcdserver: user name not found',
  ),
  roleAlreadyExist: row(
    'ErrRoleAlreadyExist',
    grpcStatus.failedPrecondition,
    'etcdserver: role name already exists',
  ),
  roleNotFound: row(
    'ErrRoleNotFound',
    grpcStatus.failedPrecondition,
    'etcdserver: role name not found',
  ),
  roleEmpty: row('ErrRoleEmpty', grpcStatus.invalidArgument, 'etcdserver: role name is empty'),
  authFailed: row(
    'ErrAuthFailed',
    grpcStatus.invalidArgument,
    'etcdserver: authentication failed, invalid user ID or password',
  ),
  permissionNotGiven: row(
    'ErrPermissionNotGiven',
    grpcStatus.invalidArgument,
    'etcdserver: permission not given',
  ),
  permissionDenied: row(
    'ErrPermissionDenied',
    grpcStatus.permissionDenied,
    'etcdserver: permission denied',
  ),
  roleNotGranted: row(
    'ErrRoleNotGranted',
    grpcStatus.failedPrecondition,
    'etcdserver: role is not granted to the user',
  ),
  permissionNotGranted: row(
    'ErrPermissionNotGranted',
    grpcStatus.failedPrecondition,
    'etcdserver: permission is not granted to the role',
  ),
  authNotEnabled: row(
    'ErrAuthNotEnabled',
    grpcStatus.failedPrecondition,
    'etcdserver: authentication is not enabled',
  ),
  invalidAuthToken: row(
    'ErrInvalidAuthToken',
    grpcStatus.unauthenticated,
    'etcdserver: invalid auth token',
  ),
  invalidAuthMgmt: row(
    'ErrInvalidAuthMgmt',
    grpcStatus.invalidArgument,
    'etcdserver: invalid auth management',
  ),
  authOldRevision: row(
    'ErrAuthOldRevision',
    grpcStatus.invalidArgument,
    'etcdserver: revision of auth store is old',
  ),
  noLeader: row('ErrNoLeader', grpcStatus.unavailable, 'etcdserver: no leader'),
  notLeader: row('ErrNotLeader', grpcStatus.failedPrecondition, 'etcdserver: not leader'),
  leaderChanged: row('ErrLeaderChanged', grpcStatus.unavailable, 'etcdserver: leader changed'),
  notCapable: row('ErrNotCapable', grpcStatus.failedPrecondition, 'etcdserver: not capable'),
  stopped: row('ErrStopped', grpcStatus.unavailable, 'etcdserver: server stopped'),
  timeout: row('ErrTimeout', grpcStatus.unavailable, 'etcdserver: request timed out'),
  timeoutDueToLeaderFail: row(
    'ErrTimeoutDueToLeaderFail',
    grpcStatus.unavailable,
    'etcdserver: request timed out, possibly due to previous leader failure',
  ),
  timeoutDueToConnectionLost: row(
    'ErrTimeoutDueToConnectionLost',
    grpcStatus.unavailable,
    'etcdserver: request timed out, possibly due to connection lost',
  ),
  timeoutWaitAppliedIndex: row(
    'ErrTimeoutWaitAppliedIndex',
    grpcStatus.unavailable,
    'etcdserver: request timed out, waiting for the applied index took too long',
  ),
  unhealthy: row('ErrUnhealthy', grpcStatus.unavailable, 'etcdserver: unhealthy cluster'),
  corrupt: row('ErrCorrupt', grpcStatus.dataLoss, 'etcdserver: corrupt cluster'),
  notSupportedForLearner: row(
    'ErrNotSupportedForLearner',
    grpcStatus.failedPrecondition,
    'etcdserver: rpc not supported for learner',
  ),
  badLeaderTransferee: row(
    'ErrBadLeaderTransferee',
    grpcStatus.failedPrecondition,
    'etcdserver: bad leader transferee',
  ),
  wrongDowngradeVersionFormat: row(
    'ErrWrongDowngradeVersionFormat',
    grpcStatus.invalidArgument,
    'etcdserver: wrong downgrade target version format',
  ),
  invalidDowngradeTargetVersion: row(
    'ErrInvalidDowngradeTargetVersion',
    grpcStatus.invalidArgument,
    'etcdserver: invalid downgrade target version',
  ),
  clusterVersionUnavailable: row(
    'ErrClusterVersionUnavailable',
    grpcStatus.failedPrecondition,
    'etcdserver: cluster version not found during downgrade',
  ),
  downgradeInProcess: row(
    'ErrDowngradeInProcess',
    grpcStatus.failedPrecondition,
    'etcdserver: cluster has a downgrade job in progress',
  ),
  noInflightDowngrade: row(
    'ErrNoInflightDowngrade',
    grpcStatus.failedPrecondition,
    'etcdserver: no inflight downgrade job',
  ),
  canceled: row('ErrCanceled', grpcStatus.canceled, 'etcdserver: request canceled'),
  deadlineExceeded: row(
    'ErrDeadlineExceeded',
    grpcStatus.deadlineExceeded,
    'etcdserver: context deadline exceeded',
  ),
} satisfies Record<string, EtcdErrorRow>;

/** Names the rows of `etcdErrors`; stable, to switch on. */
export type EtcdErrorCode = keyof typeof etcdErrors;

const codeByText: ReadonlyMap<string, EtcdErrorCode> = new Map(
  (Object.keys(etcdErrors) as EtcdErrorCode[]).map((code) => [etcdErrors[code].text, code]),
);

/** A status that ended a call: a row of `etcdErrors`, or anything else under the code `unmapped`. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  readonly code: EtcdErrorCode | 'unmapped';
  /** gRPC status number, 1 to 16. */
  readonly status: number;
  /** gRPC status number to send, so that the wire looks as etcd's does. */
  readonly wireStatus: number;
  /** Message as on the wire. */
  readonly text: string;

  /** The error of a row. */
  constructor(code: EtcdErrorCode);
  /** A status with no row. */
  constructor(code: 'unmapped', status: number, text: string);
  constructor(code: EtcdErrorCode | 'unmapped', status?: number, text?: string) {
    const found =
      code === 'unmapped' ? row(code, status ?? grpcStatus.unknown, text ?? '') : etcdErrors[code];
    super(found.text);
    this.code = code;
    this.status = found.status;
    this.wireStatus = found.wireStatus;
    this.text = found.text;
  }
}

/**
 * The error behind a gRPC status that a peer sent. The text decides, because servers send some errors
 * with another status than the table's; an unknown text keeps its status under the code `unmapped`.
 */
export function errorFromStatus(status: number, text: string): EtcdError {
  const code = codeByText.get(text);
  return code === undefined ? new EtcdError('unmapped', status, text) : new EtcdError(code);
}
