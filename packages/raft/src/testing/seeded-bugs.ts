/** A mistake that somebody could make in this package, as a change of its source. */
export interface SeededBug {
  readonly name: string;
  /** Path below src/. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What the groups must have for it to matter: these are made common, or the hunt would take long. */
  readonly needs?: 'leases' | 'changes';
}

/** What the simulator has to catch: a checker that nothing sets off has not been checked itself. */
export const seededBugs: readonly SeededBug[] = [
  {
    name: 'the vote is not persisted',
    file: 'raw-node.ts',
    find: '? { term: raft.term, vote: raft.vote, commit: log.committed }',
    replace: '? { term: raft.term, vote: 0n, commit: log.committed }',
  },
  {
    name: 'the term is not persisted',
    file: 'raw-node.ts',
    find: '? { term: raft.term, vote: raft.vote, commit: log.committed }',
    replace: '? { term: 1, vote: raft.vote, commit: log.committed }',
  },
  {
    name: 'a new vote is not synced',
    file: 'raw-node.ts',
    find: 'raft.vote !== this.#vote;\n    const ready',
    replace: 'false;\n    const ready',
  },
  {
    name: 'entries are acknowledged before they are on disk',
    file: 'ready.ts',
    find: "case 'MsgAppResp':",
    replace: '',
  },
  {
    name: 'votes are given before they are on disk',
    file: 'ready.ts',
    find: "case 'MsgVoteResp':",
    replace: '',
  },
  {
    name: "a candidate's own vote counts before it is on disk",
    file: 'election.ts',
    find: '  raft.becomeCandidate();\n',
    replace: '  raft.becomeCandidate();\n  raft.tracker.recordVote(raft.id, true);\n',
  },
  {
    name: "a leader's own entries count before they are on disk",
    file: 'replication.ts',
    find: 'own.maybeUpdate(raft.log.durableIndex)',
    replace: 'own.maybeUpdate(raft.log.lastIndex)',
  },
  {
    name: 'entries of an old term are committed by counting',
    file: 'replication.ts',
    find: ' || raft.log.termAt(index) !== raft.term',
    replace: '',
  },
  {
    name: 'a vote is given to everybody who asks',
    file: 'election.ts',
    find: 'const granted = free &&',
    replace: 'const granted =',
  },
  {
    name: 'a vote is given for a log that is behind',
    file: 'log.ts',
    find: 'lastTerm === ownTerm && lastIndex >= this.lastIndex',
    replace: 'lastTerm === ownTerm',
  },
  {
    name: 'the length of logs decides, not their terms',
    file: 'log.ts',
    find: 'return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= this.lastIndex);',
    replace: 'return lastIndex >= this.lastIndex;',
  },
  {
    name: 'a read asks no quorum',
    file: 'read-index.ts',
    find: 'if (raft.tracker.isOnlyVoter(raft.id)) return true;',
    replace: 'return true;',
  },
  {
    name: 'a read is confirmed by a round that began before it',
    file: 'read-index.ts',
    find: 'return this.round + 1;',
    replace: 'return Math.max(1, this.round);',
  },
  {
    name: 'a new leader reads before it has committed in its term',
    file: 'raft.ts',
    find: 'return this.log.termAt(this.log.committed) === this.term;',
    replace: 'return true;',
  },
  {
    name: 'leases are trusted though the clocks differ',
    file: 'testing/sim-config.ts',
    find: 'const leaseDrift = 0.03;',
    replace: 'const leaseDrift = 0.8;',
    needs: 'leases',
  },
  {
    name: 'leases are trusted though a clock stood still',
    file: 'testing/sim-config.ts',
    find: 'clocksJump: !leases',
    replace: 'clocksJump: true',
    needs: 'leases',
  },
  {
    name: 'a lease begins when it is confirmed, not when it was asked for',
    file: 'read-index.ts',
    find: 'reads.leaseEnd = reads.timedSince +',
    replace: 'reads.leaseEnd = reads.ticks +',
    needs: 'leases',
  },
  {
    name: 'a lease goes on after a transfer',
    file: 'read-index.ts',
    find: ' || raft.abdicated) return false;',
    replace: ') return false;',
    needs: 'leases',
  },
  {
    name: 'a restarted member votes at once in spite of leases',
    file: 'raft.ts',
    find: 'this.quarantineTicks = config.electionTicks;',
    replace: '',
    needs: 'leases',
  },
  {
    name: 'with leases, candidates are listened to while the leader is there',
    file: 'election.ts',
    find: 'return raft.config.checkQuorum && hearsLeader(raft);',
    replace: 'return false;',
    needs: 'leases',
  },
  {
    name: 'learners count towards the commit index',
    file: 'tracker/tracker.ts',
    find: 'return jointIndex(this.conf.voters, this.conf.votersOutgoing, this.#matchOf);',
    replace:
      'return jointIndex([...this.conf.voters, ...this.conf.learners], this.conf.votersOutgoing, this.#matchOf);',
    needs: 'changes',
  },
  {
    name: 'learners vote',
    file: 'tracker/tracker.ts',
    find: 'return jointVote(this.conf.voters, this.conf.votersOutgoing, this.votes);',
    replace:
      'return jointVote([...this.conf.voters, ...this.conf.learners], this.conf.votersOutgoing, this.votes);',
    needs: 'changes',
  },
  {
    name: 'the old half of a joint membership commits nothing',
    file: 'quorum/joint.ts',
    find: 'if (outgoing.length === 0) return index;',
    replace: 'return index;',
    needs: 'changes',
  },
  {
    name: 'the old half of a joint membership elects nobody',
    file: 'quorum/joint.ts',
    find: 'if (a === b) return a;',
    replace: 'return a;',
    needs: 'changes',
  },
  {
    name: 'half of the voters are a majority',
    file: 'quorum/majority.ts',
    find: 'return Math.floor(count / 2) + 1;',
    replace: 'return Math.floor((count + 1) / 2);',
  },
  {
    name: 'a late message cuts off what came after it',
    file: 'log.ts',
    find: 'if (this.matches(entry.index, entry.term)) continue;',
    replace: '',
  },
  {
    name: 'entries that contradict the leader are kept',
    file: 'log.ts',
    find: 'if (this.matches(entry.index, entry.term)) continue;',
    replace: 'if (entry.index <= this.lastIndex) continue;',
  },
  {
    name: 'entries are taken without a look at the one before',
    file: 'log.ts',
    find: 'if (!this.matches(prevIndex, prevTerm)) return undefined;',
    replace: 'if (prevIndex > this.lastIndex) return undefined;',
  },
  {
    name: 'a follower commits what the leader has, not what it has itself',
    file: 'step-follower.ts',
    find: 'log.commitTo(Math.min(message.commit, last));',
    replace: 'log.commitTo(Math.min(message.commit, log.lastIndex));',
  },
  {
    name: 'heartbeats commit what a follower may not have',
    file: 'replication.ts',
    find: 'message.commit = Math.min(progress.match, raft.log.committed);',
    replace: 'message.commit = raft.log.committed;',
  },
  {
    name: 'entries are applied before they are on disk',
    file: 'log.ts',
    find: 'return Math.min(this.committed, this.unstable.offset - 1);',
    replace: 'return Math.min(this.committed, this.unstable.acceptedEnd - 1);',
  },
  {
    name: 'an entry that was overwritten meanwhile is taken for durable',
    file: 'raw-node.ts',
    find: 'if (raft.term !== handout.term) return;',
    replace: '',
  },
  {
    name: 'a snapshot does not bring its membership',
    file: 'step-follower.ts',
    find: 'raft.tracker.setConf(normalizedConfState(confState), log.lastIndex + 1);',
    replace: 'raft.tracker.setConf(raft.tracker.conf, log.lastIndex + 1);',
    needs: 'changes',
  },
  {
    name: 'a member campaigns before it has applied a change of the membership',
    file: 'election.ts',
    find: 'if (hasUnappliedConfChange(raft)) {',
    replace: 'if (false) {',
    needs: 'changes',
  },
  {
    name: 'two changes of the membership are under way at once',
    file: 'step-leader.ts',
    find: 'const pending = raft.pendingConfIndex > raft.log.applied;',
    replace: 'const pending = false;',
    needs: 'changes',
  },
  {
    name: 'asking for pre-votes raises the term of those who are asked',
    file: 'step.ts',
    find: "if (message.type === 'MsgPreVote') return true;",
    replace: '',
  },
  {
    name: 'pre-votes are given while the leader is there',
    file: 'election.ts',
    find: "if (message.type !== 'MsgVote' && message.type !== 'MsgPreVote') return false;",
    replace: "if (message.type !== 'MsgVote') return false;",
  },
  {
    name: 'a follower that lost a message is not sent it again',
    file: 'step-leader.ts',
    find: 'progress.flowPaused = false;\n',
    replace: '',
  },
  {
    name: 'a leader that nobody hears stays',
    file: 'election.ts',
    find: 'if (raft.config.checkQuorum && !hasActiveQuorum(raft)) {',
    replace: 'if (raft.config.checkQuorum && !hasActiveQuorum(raft) && false) {',
  },
  {
    name: 'a refusal begins a new stream each time',
    file: 'tracker/progress.ts',
    find: ' || rejected < this.refusedBelow',
    replace: '',
  },
];
