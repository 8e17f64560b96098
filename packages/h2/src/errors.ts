/**
 * What went wrong on a connection or exchange, for callers to switch on:
 * - `protocol`: the peer broke a rule of RFC 9113 or 7541; `http2Code` says which kind;
 * - `limit`: the peer went over a limit of ours (`limits.ts`);
 * - `timeout`: the peer was silent for too long;
 * - `transport`: the byte stream failed;
 * - `closed`: used after it was closed;
 * - `aborted`: the exchange was ended by the peer;
 * - `status`: a call of a client ended with another status than OK (`CallError`).
 */
export type H2ErrorCode =
  | 'protocol'
  | 'limit'
  | 'timeout'
  | 'transport'
  | 'closed'
  | 'aborted'
  | 'status';

/** The one error class of this package. Switch on `code`, never on the text. */
export class H2Error extends Error {
  readonly code: H2ErrorCode;
  /** The HTTP/2 error code (RFC 9113 §7) that was sent or received with it, where there is one. */
  readonly http2Code: number | undefined;

  constructor(code: H2ErrorCode, message: string, http2Code?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'H2Error';
    this.code = code;
    this.http2Code = http2Code;
  }
}
