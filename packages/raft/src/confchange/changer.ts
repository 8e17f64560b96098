import { RaftError } from '../errors.ts';
import { isJoint, isVoter, sortedIds } from '../tracker/membership.ts';
import {
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeV2,
  type ConfState,
  type MemberId,
  noMember,
} from '../types.ts';

/*
 * From one membership to the next, as plain functions of ConfStates. All members compute the same from the same
 * committed entries; a change that is not possible throws `RaftError` "confChange" everywhere alike.
 *
 *     simple:  voters (1 2 3)           --add 4-->            voters (1 2 3 4)
 *     joint:   voters (1 2 3)           --add 4, remove 1-->  voters (2 3 4), outgoing (1 2 3)
 *              voters (2 3 4), outgoing (1 2 3)  --leave-->   voters (2 3 4)
 */

/** A `ConfChange` in the wider form. */
export function asV2(change: ConfChange | ConfChangeV2): ConfChangeV2 {
  if ('changes' in change) return change;
  return {
    transition: 'auto',
    changes: [{ type: change.type, nodeId: change.nodeId }],
    context: change.context,
  };
}

/** Whether this asks to leave a joint membership. */
export function leavesJoint(change: ConfChangeV2): boolean {
  return change.transition === 'auto' && change.changes.length === 0;
}

/** The membership after `change`. Throws `RaftError` "confChange" if it is not possible from `conf`. */
export function changedConf(conf: ConfState, change: ConfChange | ConfChangeV2): ConfState {
  const v2 = asV2(change);
  if (leavesJoint(v2)) return leaveJoint(conf);
  if (v2.transition !== 'auto' || v2.changes.length > 1) {
    return enterJoint(conf, v2.transition !== 'jointExplicit', v2.changes);
  }
  return simple(conf, v2.changes);
}

/** At most one voter is added or removed: any old and new majority share a member (Raft dissertation §4.1). */
export function simple(conf: ConfState, changes: readonly ConfChangeSingle[]): ConfState {
  if (isJoint(conf)) throw impossible('a simple change while a joint change is under way');
  const next = new Draft(conf);
  next.apply(changes);
  const added = [...next.voters].filter((id) => !conf.voters.includes(id));
  const removed = conf.voters.filter((id) => !next.voters.has(id));
  if (added.length + removed.length > 1) {
    throw impossible('more than one voter changed without a joint change');
  }
  return next.finish(conf.votersOutgoing, false);
}

/** Any number of changes; until it is left, both the new and the old voters must agree to everything. */
export function enterJoint(
  conf: ConfState,
  autoLeave: boolean,
  changes: readonly ConfChangeSingle[],
): ConfState {
  if (isJoint(conf)) throw impossible('a joint change is under way already');
  if (conf.voters.length === 0) throw impossible('a joint change of an empty membership');
  const next = new Draft(conf);
  next.outgoing = conf.voters;
  next.apply(changes);
  return next.finish(conf.voters, autoLeave);
}

/** Only the new voters remain; outgoing voters that were to become learners do. */
export function leaveJoint(conf: ConfState): ConfState {
  if (!isJoint(conf)) throw impossible('no joint change is under way');
  const next = new Draft(conf);
  for (const id of conf.learnersNext) next.learners.add(id);
  next.learnersNext.clear();
  return next.finish([], false);
}

/** Throws unless the lists of `conf` fit together. */
export function checkConf(conf: ConfState): void {
  const check = (holds: boolean, text: string): void => {
    if (!holds) throw impossible(text);
  };
  check(![...conf.voters, ...conf.learners].includes(noMember), 'member 0 stands for nobody');
  for (const id of conf.learners) check(!isVoter(conf, id), `${id} is both learner and voter`);
  for (const id of conf.learnersNext) {
    check(
      conf.votersOutgoing.includes(id),
      `${id} is to become a learner but is no outgoing voter`,
    );
    check(!conf.voters.includes(id), `${id} is to become a learner and a voter`);
  }
  if (!isJoint(conf)) check(!conf.autoLeave, 'nothing to leave automatically');
}

/** A membership while it is being changed. */
class Draft {
  readonly voters: Set<MemberId>;
  readonly learners: Set<MemberId>;
  readonly learnersNext: Set<MemberId>;
  /** Voters that stay until the joint change is left, whatever the changes say. */
  outgoing: readonly MemberId[] = [];

  constructor(conf: ConfState) {
    this.voters = new Set(conf.voters);
    this.learners = new Set(conf.learners);
    this.learnersNext = new Set(conf.learnersNext);
  }

  apply(changes: readonly ConfChangeSingle[]): void {
    for (const change of changes) this.#applyOne(change);
    if (this.voters.size === 0) throw impossible('all voters removed');
  }

  #applyOne({ type, nodeId }: ConfChangeSingle): void {
    // etcd marks changes that a lower layer has vetoed with member 0; they do nothing.
    if (nodeId === noMember || type === 'updateNode') return;
    if (type === 'addLearnerNode' && this.learners.has(nodeId)) return;
    this.voters.delete(nodeId);
    this.learners.delete(nodeId);
    this.learnersNext.delete(nodeId);
    if (type === 'addNode') this.voters.add(nodeId);
    if (type === 'addLearnerNode') {
      // Who still votes in the old half can't be a learner yet.
      if (this.outgoing.includes(nodeId)) this.learnersNext.add(nodeId);
      else this.learners.add(nodeId);
    }
  }

  finish(votersOutgoing: readonly MemberId[], autoLeave: boolean): ConfState {
    const conf: ConfState = {
      voters: sortedIds(this.voters),
      learners: sortedIds(this.learners),
      votersOutgoing,
      learnersNext: sortedIds(this.learnersNext),
      autoLeave,
    };
    checkConf(conf);
    return conf;
  }
}

function impossible(text: string): RaftError {
  return new RaftError('confChange', `this membership change is not possible: ${text}`);
}
