/**
 * What may go wrong with a lease:
 *
 * - `exists`: the id that was asked for is in use.
 * - `notFound`: there is no such lease, or no more.
 * - `ttlTooLarge`: the TTL is above `MAX_LEASE_TTL_SECONDS`.
 * - `notPrimary`: this member does not keep the time of leases; its leader does.
 */
export type LeaseErrorCode = 'exists' | 'notFound' | 'ttlTooLarge' | 'notPrimary';

/** A refusal by the lessor; switch on `code`, never on the text. */
export class LeaseError extends Error {
  override readonly name = 'LeaseError';
  readonly code: LeaseErrorCode;

  constructor(code: LeaseErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
