/** What may be said about one call. */
export interface CallOptions {
  /** Ends the call with "timeout" after so many ms. Default: the client's; 0: never. Streams have none by default. */
  readonly timeoutMs?: number;
  /** Ends the call with "aborted" when it fires. */
  readonly signal?: AbortSignal;
  /**
   * Whether it may be sent again though a server may have acted on it, as what changes nothing may. Default: by its
   * method, and for transactions by their steps.
   */
  readonly isRepeatable?: boolean;
  /** Refused by members that know of no leader; streams end when theirs has lost it. Default false. */
  readonly requireLeader?: boolean;
  /** Sent along, for proxies and interceptors of servers: lower-case name, value. */
  readonly metadata?: Iterable<readonly [string, string]>;
  /** Told of each endpoint that the call is sent to, in order. */
  readonly onAttempt?: (endpoint: string) => void;
}
