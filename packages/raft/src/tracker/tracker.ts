import { jointIndex, jointVote } from '../quorum/joint.ts';
import type { VoteResult } from '../quorum/majority.ts';
import { type ConfState, emptyConfState, type MemberId } from '../types.ts';
import { Inflights } from './inflights.ts';
import { isVoter, memberIds } from './membership.ts';
import { Progress } from './progress.ts';

/**
 * The current membership, the progress of each of its members, and the votes of the current election.
 * `progress` has exactly the members of `conf`; `isLearner` there agrees with `conf`.
 */
export class ProgressTracker {
  conf: ConfState = emptyConfState;
  readonly progress: Map<MemberId, Progress> = new Map();
  readonly votes: Map<MemberId, boolean> = new Map();
  readonly #maxInflightMessages: number;
  readonly #maxInflightBytes: number;

  // Made once: the commit index is looked for after every acknowledgement.
  readonly #matchOf = (id: MemberId): number => this.progress.get(id)?.match ?? 0;
  readonly #readRoundOf = (id: MemberId): number => this.progress.get(id)?.readRound ?? 0;

  constructor(maxInflightMessages: number, maxInflightBytes: number) {
    this.#maxInflightMessages = maxInflightMessages;
    this.#maxInflightBytes = maxInflightBytes;
  }

  /** The highest index that a quorum has. */
  quorumMatch(): number {
    return jointIndex(this.conf.voters, this.conf.votersOutgoing, this.#matchOf);
  }

  /** The newest round of read confirmations that a quorum has answered. */
  quorumReadRound(): number {
    return jointIndex(this.conf.voters, this.conf.votersOutgoing, this.#readRoundOf);
  }

  /** Whether a quorum was heard from since the last check. The leader's own progress must be marked active. */
  isQuorumActive(): boolean {
    const active = new Map<MemberId, boolean>();
    for (const [id, progress] of this.progress) active.set(id, progress.recentActive);
    return jointVote(this.conf.voters, this.conf.votersOutgoing, active) === 'won';
  }

  /** Whether `id` decides everything alone. */
  isOnlyVoter(id: MemberId): boolean {
    const { voters, votersOutgoing } = this.conf;
    return voters.length === 1 && voters[0] === id && votersOutgoing.length === 0;
  }

  isVoter(id: MemberId): boolean {
    return isVoter(this.conf, id);
  }

  resetVotes(): void {
    this.votes.clear();
  }

  /** The first answer of a member counts. */
  recordVote(id: MemberId, granted: boolean): void {
    if (!this.votes.has(id)) this.votes.set(id, granted);
  }

  voteResult(): VoteResult {
    return jointVote(this.conf.voters, this.conf.votersOutgoing, this.votes);
  }

  /**
   * Switches to another membership: members that stay keep their progress, new ones begin as a probe at `next` and
   * count as active, so that a leader that checks its quorum is not deposed by those it has just invited.
   */
  setConf(conf: ConfState, next: number): void {
    const members = new Set(memberIds(conf));
    for (const id of this.progress.keys()) {
      if (!members.has(id)) this.progress.delete(id);
    }
    for (const id of members) {
      const isLearner = !isVoter(conf, id);
      const known = this.progress.get(id);
      if (known === undefined) {
        const added = this.newProgress(0, next, isLearner);
        added.recentActive = true;
        this.progress.set(id, added);
      } else {
        known.isLearner = isLearner;
      }
    }
    this.conf = conf;
  }

  newProgress(match: number, next: number, isLearner: boolean): Progress {
    const inflights = new Inflights(this.#maxInflightMessages, this.#maxInflightBytes);
    return new Progress(match, next, isLearner, inflights);
  }
}
