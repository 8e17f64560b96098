import type { Role } from '@kvorum/raft';

/** What a member has done since it started, as GET /v2/stats/self tells it. */
export class MemberStats {
  /** In ms since 1970. */
  readonly startedAtMs: number;
  /** Since when the leader leads, as far as this member knows; ms since 1970. */
  leaderSinceMs = 0;
  /** Messages with entries, or heartbeats in their place, from and to other members. */
  appendsReceived = 0;
  appendsSent = 0;

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs;
  }
}

/** What etcd calls a role. */
export function stateName(role: Role): string {
  if (role === 'leader') return 'StateLeader';
  return role === 'follower' ? 'StateFollower' : 'StateCandidate';
}
