import { errorFromStatus, grpcStatus } from '@kvorum/api';
import type { CallFailure, Channel } from './channel.ts';
import { ClientError, type EndpointFailure, type FailureReason } from './errors.ts';

/** How long a call may take in all, and who may call it off. */
export interface CallLimits {
  /** Milliseconds that the caller gave it; 0: any. */
  readonly timeoutMs: number;
  /** By the clock of the client's timers; infinite: never. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** What one call has met so far, for the error that it may end with. */
export class Attempts {
  readonly #failures = new Map<string, EndpointFailure>();
  #mayHaveApplied = false;

  note(channel: Channel, failure: CallFailure): void {
    const endpoint = channel.endpoint.text;
    // Later failures of an endpoint replace earlier ones, and an answer counts for more than the end of our patience.
    const reason = reasonOf(failure);
    if (reason !== 'timeout' || !this.#failures.has(endpoint)) {
      const message = failure.connect?.message ?? failure.message;
      this.#failures.set(endpoint, { endpoint, reason, message });
    }
    if (!failure.isUnprocessed) this.#mayHaveApplied = true;
  }

  get failures(): readonly EndpointFailure[] {
    return [...this.#failures.values()];
  }

  /** The error of a call that was called off, or whose time is over. */
  ended(limits: CallLimits, isRepeatable: boolean): ClientError {
    const { failures } = this;
    const mayHaveApplied = this.#mayHaveApplied && !isRepeatable;
    if (limits.signal?.aborted === true) {
      const { reason } = limits.signal;
      const message = 'the call was aborted';
      return new ClientError({ code: 'aborted', message, failures, mayHaveApplied, cause: reason });
    }
    const isUnreachable =
      failures.length > 0 && failures.every((one) => isOfConnection(one.reason));
    const code = isUnreachable ? 'unreachable' : 'timeout';
    const message = `${isUnreachable ? 'no endpoint could be reached' : 'no answer'} within ${limits.timeoutMs} ms`;
    return new ClientError({ code, message, failures, mayHaveApplied, retryable: true });
  }

  /** The error of a call that an endpoint answered with a failure. */
  answered(channel: Channel, failure: CallFailure, isRepeatable: boolean): ClientError {
    if (failure.connect !== undefined) {
      const message = 'no endpoint could be reached';
      const { failures } = this;
      return new ClientError({ code: 'unreachable', message, failures, retryable: true });
    }
    const known = errorFromStatus(failure.status, failure.message);
    const isUnavailable = known.status === grpcStatus.unavailable;
    return new ClientError({
      code: known.code,
      message: failure.message,
      status: known.status,
      endpoint: channel.endpoint.text,
      failures: this.failures,
      retryable: isUnavailable,
      mayHaveApplied: isUnavailable && this.#mayHaveApplied && !isRepeatable,
      cause: failure,
    });
  }
}

function isOfConnection(reason: FailureReason): boolean {
  return reason === 'dns' || reason === 'connect' || reason === 'tls';
}

function reasonOf(failure: CallFailure): FailureReason {
  if (failure.connect !== undefined) return failure.connect.reason;
  const { code, status } = errorFromStatus(failure.status, failure.message);
  if (code === 'noLeader') return 'no-leader';
  if (code === 'authFailed' || status === grpcStatus.unauthenticated) return 'auth';
  return status === grpcStatus.deadlineExceeded ? 'timeout' : 'status';
}
