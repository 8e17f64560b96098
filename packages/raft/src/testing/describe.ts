import { decodeConfChange } from '../confchange/codec.ts';
import type { Ready } from '../ready.ts';
import type { Status } from '../status.ts';
import type { ConfState, Entry, MemberId, Message } from '../types.ts';
import { noMember } from '../types.ts';

/*
 * Raft's values as short text, for scenarios and failure messages. What is zero or empty is left out.
 */

export function describeEntry(entry: Entry): string {
  const at = `${entry.term}/${entry.index}`;
  if (entry.type === 'normal') return `${at} "${asText(entry.data)}"`;
  const change = decodeConfChange(entry);
  if (!('changes' in change)) return `${at} ${change.type} ${change.nodeId}`;
  const changes = change.changes.map(({ type, nodeId }) => `${type} ${nodeId}`).join(', ');
  return `${at} ${change.transition} {${changes}}`;
}

export function describeMessage(message: Message): string {
  const parts = [`${message.from}->${message.to} ${message.type}`];
  if (message.term !== 0) parts.push(`term=${message.term}`);
  if (message.type === 'MsgApp') parts.push(`prev=${message.logTerm}/${message.index}`);
  else if (message.logTerm !== 0) parts.push(`log=${message.logTerm}/${message.index}`);
  else if (message.index !== 0) parts.push(`index=${message.index}`);
  if (message.commit !== 0) parts.push(`commit=${message.commit}`);
  if (message.reject) parts.push('rejected');
  if (message.rejectHint !== 0) parts.push(`hint=${message.rejectHint}`);
  if (message.context.length > 0) parts.push(`context=${describeContext(message)}`);
  if (message.snapshot !== undefined) {
    const { index, term, confState } = message.snapshot.metadata;
    parts.push(`snapshot=${term}/${index} ${describeConf(confState)}`);
  }
  if (message.entries.length > 0) parts.push(`[${message.entries.map(describeEntry).join(', ')}]`);
  return parts.join(' ');
}

export function describeConf(conf: ConfState): string {
  let text = `voters=(${conf.voters.join(' ')})`;
  if (conf.votersOutgoing.length > 0) text += ` outgoing=(${conf.votersOutgoing.join(' ')})`;
  if (conf.learners.length > 0) text += ` learners=(${conf.learners.join(' ')})`;
  if (conf.learnersNext.length > 0) text += ` learnersNext=(${conf.learnersNext.join(' ')})`;
  return conf.autoLeave ? `${text} autoLeave` : text;
}

/** One line per part of a Ready that is there. */
export function describeReady(ready: Ready): string[] {
  const lines: string[] = [];
  const { softState, hardState, snapshot } = ready;
  if (softState) lines.push(`${softState.role}, leader ${describeId(softState.leader)}`);
  if (hardState) {
    const { term, vote, commit } = hardState;
    lines.push(`state term=${term} vote=${describeId(vote)} commit=${commit}`);
  }
  if (snapshot) {
    const { term, index, confState } = snapshot.metadata;
    lines.push(`snapshot ${term}/${index} ${describeConf(confState)}`);
  }
  for (const entry of ready.entries) lines.push(`append ${describeEntry(entry)}`);
  for (const message of ready.messages) lines.push(`send ${describeMessage(message)}`);
  for (const entry of ready.committedEntries) lines.push(`apply ${describeEntry(entry)}`);
  for (const { index, context } of ready.readStates) {
    lines.push(`read "${asText(context)}" at ${index}`);
  }
  return lines;
}

/** What a leader knows about its members. */
export function describeProgress(status: Status): string[] {
  return [...status.progress].map(([id, p]) => {
    const flags = [p.isLearner && 'learner', p.isPaused && 'paused', !p.recentActive && 'inactive'];
    const inflight = p.inflightCount > 0 ? [`inflight=${p.inflightCount}`] : [];
    const extra = [...flags.filter((flag) => flag !== false), ...inflight];
    return [`${id}: ${p.state} match=${p.match} next=${p.next}`, ...extra].join(' ');
  });
}

export function describeId(id: MemberId): string {
  return id === noMember ? 'none' : String(id);
}

export function asText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Rounds of reads are numbers; other contexts are words. */
function describeContext({ context, type }: Message): string {
  const isRound = type === 'MsgHeartbeat' || type === 'MsgHeartbeatResp';
  return isRound ? `round ${context.at(-1)}` : asText(context);
}
