/** What may be said about one call. */
export interface CallOptions {
  /** Ends the call with "timeout" after so many ms. Default: the client's; 0: never. Streams have none by default. */
  readonly timeoutMs?: number;
  /** Ends the call with "aborted" when it fires. */
  readonly signal?: AbortSignal;
  /** Refused by members that know of no leader; streams end when theirs has lost it. Default false. */
  readonly requireLeader?: boolean;
}
