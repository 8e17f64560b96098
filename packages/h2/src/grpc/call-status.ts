import { H2Error } from '../errors.ts';
import { ErrorCode } from '../frames.ts';
import { FieldMetadata } from './field-metadata.ts';
import { Status, type StatusCode } from './status.ts';
import type { Metadata } from './types.ts';

/** How a client's call ended. */
export interface CallStatus {
  readonly status: StatusCode;
  readonly message: string;
  /** What came as `grpc-status-details-bin`. */
  readonly details: Uint8Array | undefined;
  /** The trailers; empty when the call did not end by the server's word. */
  readonly metadata: Metadata;
  /**
   * True when the server certainly has not acted on the call: it never got it, or refused to look at it.
   * Such a call is safe to repeat, whatever it does. False says nothing.
   */
  readonly isUnprocessed: boolean;
}

/** A unary call that ended with another status than OK. `code` is "status". */
export class CallError extends H2Error {
  readonly callStatus: CallStatus;

  constructor(callStatus: CallStatus) {
    super('status', callStatus.message);
    this.name = 'CallError';
    this.callStatus = callStatus;
  }
}

const noMetadata: Metadata = new FieldMetadata([], 0);

/** A status that was made at this end. */
export function localStatus(
  status: StatusCode,
  message: string,
  isUnprocessed = false,
): CallStatus {
  return { status, message, details: undefined, metadata: noMetadata, isUnprocessed };
}

/** A call whose headers the server does not take; it was not sent. */
export function statusOfLongHead(maxBytes: number): CallStatus {
  const text = `header list size to send violates the maximum size (${maxBytes} bytes) set by server`;
  return localStatus(Status.internal, text, true);
}

/** What a RST_STREAM means to a call (gRPC over HTTP2, "Errors"). */
export function statusOfReset(errorCode: number): CallStatus {
  const text = `the stream was reset with code ${errorCode}`;
  switch (errorCode) {
    case ErrorCode.refusedStream:
      return localStatus(Status.unavailable, text, true);
    case ErrorCode.cancel:
      return localStatus(Status.cancelled, text);
    case ErrorCode.enhanceYourCalm:
      return localStatus(Status.resourceExhausted, text);
    case ErrorCode.inadequateSecurity:
      return localStatus(Status.permissionDenied, text);
    default:
      return localStatus(Status.internal, text);
  }
}

/** What an HTTP status means to a call, when no gRPC status came with it. */
export function statusOfHttp(httpStatus: string): CallStatus {
  const text = `unexpected HTTP status ${httpStatus}`;
  switch (httpStatus) {
    case '400':
    case '431':
      return localStatus(Status.internal, text);
    case '401':
      return localStatus(Status.unauthenticated, text);
    case '403':
      return localStatus(Status.permissionDenied, text);
    case '404':
      return localStatus(Status.unimplemented, text);
    case '429':
    case '502':
    case '503':
    case '504':
      return localStatus(Status.unavailable, text);
    default:
      return localStatus(Status.unknown, text);
  }
}
