import { type EtcdErrorCode, grpcStatus } from '@kvorum/api';

/**
 * Why one endpoint did not answer:
 * - `dns`: its name was not found; `connect`: nobody accepted the connection, or it broke;
 * - `tls`: the certificates did not fit, or the other side speaks no TLS;
 * - `auth`: the user or token was refused; `no-leader`: the member has lost the majority;
 * - `behind`: it has not got yet what this client was shown by another; `timeout`: no answer in time;
 * - `status`: it answered with an error of another kind.
 */
export type FailureReason =
  | 'dns'
  | 'connect'
  | 'tls'
  | 'auth'
  | 'no-leader'
  | 'behind'
  | 'timeout'
  | 'status';

/** What became of the last attempt at one endpoint. */
export interface EndpointFailure {
  /** As the user wrote it. */
  readonly endpoint: string;
  readonly reason: FailureReason;
  /** For people. */
  readonly message: string;
}

/**
 * What went wrong, for callers to switch on: a row of etcd's errors, or
 * - `unreachable`: no endpoint could be asked; `failures` says why not;
 * - `timeout`: the call's time was over; `behind`: until then no endpoint had what this client was shown before;
 * - `aborted`: the caller's signal fired; `closed`: the client was closed;
 * - `leaseExpired`: a lease could not be renewed in time; `leaseRevoked`, `leaseReleased`: it was given up here;
 * - `notReady`: a cache has not been read yet;
 * - `configuration`: options that cannot work;
 * - `unmapped`: a status that etcd's table does not have.
 */
export type ClientErrorCode =
  | EtcdErrorCode
  | 'unreachable'
  | 'timeout'
  | 'behind'
  | 'aborted'
  | 'closed'
  | 'leaseExpired'
  | 'leaseRevoked'
  | 'leaseReleased'
  | 'notReady'
  | 'configuration'
  | 'unmapped';

/** What a `ClientError` is made of. */
export interface ClientErrorParts {
  readonly code: ClientErrorCode;
  readonly message: string;
  /** gRPC status number; by default the one that goes with the code. */
  readonly status?: number;
  readonly endpoint?: string;
  readonly failures?: readonly EndpointFailure[];
  readonly mayHaveApplied?: boolean;
  readonly retryable?: boolean;
  readonly compactRevision?: bigint;
  readonly cause?: unknown;
}

const localStatuses: Partial<Record<ClientErrorCode, number>> = {
  unreachable: grpcStatus.unavailable,
  timeout: grpcStatus.deadlineExceeded,
  behind: grpcStatus.deadlineExceeded,
  aborted: grpcStatus.canceled,
  closed: grpcStatus.canceled,
  leaseExpired: grpcStatus.notFound,
  leaseRevoked: grpcStatus.canceled,
  leaseReleased: grpcStatus.canceled,
  notReady: grpcStatus.failedPrecondition,
  configuration: grpcStatus.invalidArgument,
};

/** The one error class of this package. Switch on `code`, never on the text. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  /** gRPC status number, 1 to 16. */
  readonly status: number;
  /** The endpoint that answered; undefined when none did. */
  readonly endpoint: string | undefined;
  /** The last failure of each endpoint that was tried, in the order of trying. */
  readonly failures: readonly EndpointFailure[];
  /** True when the server may have done what it was asked although no answer came. */
  readonly mayHaveApplied: boolean;
  /** True when the same call may succeed later. */
  readonly retryable: boolean;
  /** Of a watch that ends as "compacted": the oldest revision that can be watched from. */
  readonly compactRevision: bigint | undefined;

  constructor(parts: ClientErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.status = parts.status ?? localStatuses[parts.code] ?? grpcStatus.unknown;
    this.endpoint = parts.endpoint;
    this.failures = parts.failures ?? [];
    this.mayHaveApplied = parts.mayHaveApplied ?? false;
    this.retryable = parts.retryable ?? false;
    this.compactRevision = parts.compactRevision;
  }
}

/** What a signal has ended. */
export function abortedError(what: string, signal: AbortSignal | undefined): ClientError {
  const message = `the ${what} was aborted`;
  return new ClientError({ code: 'aborted', message, cause: signal?.reason });
}

/** What was closed. */
export function closedError(what: string): ClientError {
  return new ClientError({ code: 'closed', message: `the ${what} was closed` });
}
