/** What a member says about itself. */
export interface MemberStatus {
  readonly version: string;
  /** 0n: it knows of none. */
  readonly leaderId: bigint;
  readonly raftTerm: bigint;
  readonly raftIndex: bigint;
  readonly appliedIndex: bigint;
  readonly sizeBytes: number;
  readonly sizeInUseBytes: number;
  /** What it complains of. */
  readonly errors: readonly string[];
}

/** What its /metrics page says; undefined fields are not on it. */
export interface MemberMetrics {
  /** Upper bounds, in seconds, of 99 % of all syncs of the log and commits of the database since it started. */
  readonly syncSeconds: number | undefined;
  readonly commitSeconds: number | undefined;
  readonly quotaBytes: number | undefined;
  readonly leaderChangeCount: number | undefined;
  readonly uptimeSeconds: number | undefined;
}

/** What was found out about one member. */
export interface MemberSurvey {
  readonly id: bigint;
  /** Empty for one that has never started. */
  readonly name: string;
  readonly isLearner: boolean;
  /** Where it was reached, or tried at last; undefined when it has no client URL. */
  readonly endpoint: string | undefined;
  /** Undefined: it does not answer, and `failure` says why. */
  readonly status: MemberStatus | undefined;
  readonly failure: string;
  /** Undefined: its /metrics could not be read. */
  readonly metrics: MemberMetrics | undefined;
  /** How far its clock is ahead of this machine's, in seconds, to about a second; undefined when it did not say. */
  readonly clockAheadSeconds: number | undefined;
  /** How fast its database grows, in bytes a second; undefined when that was not watched. */
  readonly growthBytesPerSecond: number | undefined;
}

/** What was found out about a cluster. */
export interface ClusterSurvey {
  readonly members: readonly MemberSurvey[];
  /** Why a read that needs a majority failed; undefined: it did not. */
  readonly quorumFailure: string | undefined;
  /** How long that read took. */
  readonly readMs: number;
  readonly alarms: readonly { readonly memberId: bigint; readonly name: string }[];
}
