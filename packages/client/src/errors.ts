import { type EtcdErrorCode, grpcStatus } from '@kvorum/api';

/**
 * Why one endpoint did not answer:
 * - `dns`: its name was not found; `connect`: nobody accepted the connection, or it broke;
 * - `tls`: the certificates did not fit, or the other side speaks no TLS;
 * - `auth`: the user or token was refused; `no-leader`: the member has lost the majority;
 * - `timeout`: no answer in time; `status`: it answered with an error of another kind.
 */
export type FailureReason = 'dns' | 'connect' | 'tls' | 'auth' | 'no-leader' | 'timeout' | 'status';

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
 * - `timeout`: the call's time was over;
 * - `aborted`: the caller's signal fired; `closed`: the client was closed;
 * - `configuration`: options that cannot work;
 * - `unmapped`: a status that etcd's table does not have.
 */
export type ClientErrorCode =
  | EtcdErrorCode
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  | 'closed'
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
  readonly cause?: unknown;
}

const localStatuses: Partial<Record<ClientErrorCode, number>> = {
  unreachable: grpcStatus.unavailable,
  timeout: grpcStatus.deadlineExceeded,
  aborted: grpcStatus.canceled,
  closed: grpcStatus.canceled,
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

  constructor(parts: ClientErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.status = parts.status ?? localStatuses[parts.code] ?? grpcStatus.unknown;
    this.endpoint = parts.endpoint;
    this.failures = parts.failures ?? [];
    this.mayHaveApplied = parts.mayHaveApplied ?? false;
    this.retryable = parts.retryable ?? false;
  }
}
