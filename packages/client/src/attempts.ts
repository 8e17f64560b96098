import { errorFromStatus, grpcStatus } from '@kvorum/api';
import type { CallLimits } from './call-limits.ts';
import type { CallFailure, Channel } from './channel.ts';
import { ClientError, type EndpointFailure, type FailureReason } from './errors.ts';

/** What one call has met so far, for the error that it may end with. */
export class Attempts {
  readonly #failures = new Map<string, EndpointFailure>();
  #mayHaveApplied = false;

  note(channel: Channel, failure: CallFailure): void {
    // Later failures of an endpoint replace earlier ones, and an answer counts for more than the end of our patience.
    const reason = reasonOf(failure);
    if (reason !== 'timeout' || !this.#failures.has(channel.endpoint.text)) {
      this.#set(channel, reason, failure.connect?.message ?? failure.message);
    }
    if (!failure.isUnprocessed) this.#mayHaveApplied = true;
  }

  /** The endpoint has answered, and has not got what the client was shown before. */
  noteBehind(channel: Channel, seen: bigint): void {
    this.#set(channel, 'behind', `it has not got revision ${seen} yet`);
  }

  /** The endpoint has not answered, and nothing more is expected of it. */
  noteSlow(channel: Channel): void {
    this.#set(channel, 'timeout', 'no answer');
  }

  /** What went wrong before there was an endpoint. */
  noteFailures(failures: readonly EndpointFailure[]): void {
    for (const failure of failures) this.#failures.set(failure.endpoint, failure);
  }

  #set({ endpoint: { text: endpoint } }: Channel, reason: FailureReason, message: string): void {
    this.#failures.set(endpoint, { endpoint, reason, message });
  }

  get failures(): readonly EndpointFailure[] {
    return [...this.#failures.values()];
  }

  /** The error of a call that was called off, or whose time is over. */
  ended(limits: Pick<CallLimits, 'timeoutMs' | 'signal'>, isRepeatable: boolean): ClientError {
    const { failures } = this;
    const mayHaveApplied = this.#mayHaveApplied && !isRepeatable;
    if (limits.signal?.aborted === true) {
      const { reason } = limits.signal;
      const message = 'the call was aborted';
      return new ClientError({ code: 'aborted', message, failures, mayHaveApplied, cause: reason });
    }
    const isUnreachable =
      failures.length > 0 && failures.every((one) => isOfConnection(one.reason));
    const isBehind = failures.some(({ reason }) => reason === 'behind');
    const whenAnswered = isBehind ? 'behind' : 'timeout';
    const code = isUnreachable ? 'unreachable' : whenAnswered;
    const message = `${endTexts[code]} within ${limits.timeoutMs} ms`;
    return new ClientError({ code, message, failures, mayHaveApplied, retryable: true });
  }

  /** The error of a call that an endpoint answered with a failure. */
  answered(channel: Channel, failure: CallFailure, isRepeatable: boolean): ClientError {
    if (failure.connect !== undefined) {
      const message = failure.isUnprocessed ? 'no endpoint could be reached' : failure.message;
      const { failures } = this;
      const mayHaveApplied = this.#mayHaveApplied && !isRepeatable;
      const parts = { message, failures, mayHaveApplied, retryable: true };
      return new ClientError({ code: 'unreachable', ...parts });
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

const endTexts = {
  unreachable: 'no endpoint could be reached',
  timeout: 'no answer',
  behind: 'no endpoint had what this client was shown before',
} as const;

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
