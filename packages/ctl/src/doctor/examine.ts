import { humanBytes } from '../output/go-text.ts';
import { durationText } from '../output/progress.ts';
import type { ClusterSurvey, MemberSurvey } from './survey.ts';

/** How bad it is: `broken` harms clients now, `attention` will, `note` is good to know. */
export type Severity = 'broken' | 'attention' | 'note';

/** Something that the doctor found, and what to do about it. */
export interface Finding {
  readonly severity: Severity;
  /** What was looked at: quorum, leader, alarm, disk, clock, version, quota, … */
  readonly check: string;
  readonly text: string;
  readonly fix: string;
}

/** Syncs of the log: etcd's documentation wants 99 % of them below 10 ms. Twice an election's patience is beyond hope. */
const slowSyncSeconds = 0.016;
const brokenSyncSeconds = 0.5;
/** Commits of the database: 25 ms by the same source. */
const slowCommitSeconds = 0.032;
/** Clocks are compared by whole seconds. */
const clockToleranceSeconds = 2;
/** Entries that a member may be behind. */
const toleratedLag = 5000n;
const fullShare = 0.8;
const brokenFullShare = 0.95;
const forecastSeconds = 7 * 86_400;
/** Databases smaller than this are not worth a defragmentation, in bytes. */
const smallDatabaseBytes = 100e6;
const fragmentedShare = 0.5;
/** Leaders an hour that are too many, and how many it takes to tell. */
const leadersPerHour = 1;
const fewLeaderChanges = 3;

/** All that is wrong with a cluster, the worst first. */
export function examine(survey: ClusterSurvey): Finding[] {
  const findings = [
    ...quorum(survey),
    ...leader(survey),
    ...alarms(survey),
    ...survey.members.flatMap((member) => [
      ...complaints(member),
      ...disk(member),
      ...quota(member),
    ]),
    ...lag(survey),
    ...clocks(survey),
    ...versions(survey),
  ];
  const order: readonly Severity[] = ['broken', 'attention', 'note'];
  return findings.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

/** How texts call a member. */
export function nameOf({ name, id }: MemberSurvey): string {
  return name === '' ? `member ${id.toString(16)}` : name;
}

function* quorum({ members, quorumFailure, readMs }: ClusterSurvey): Generator<Finding> {
  const voters = members.filter((member) => !member.isLearner);
  const answering = voters.filter((member) => member.status !== undefined).length;
  const needed = Math.floor(voters.length / 2) + 1;
  const check = 'quorum';
  if (quorumFailure !== undefined) {
    const text = `no majority: a linearizable read failed (${quorumFailure}); ${answering} of ${voters.length} voters answer, ${needed} are needed`;
    const fix =
      'start the members that are down and see that they reach each other; if a majority is lost for good, start one member with --force-new-cluster and add new ones';
    yield { severity: 'broken', check, text, fix };
  }
  for (const member of members) {
    if (member.status !== undefined) continue;
    const severity = 'attention';
    if (member.name === '' && member.endpoint === undefined) {
      const text = `${nameOf(member)} was added but has never started`;
      const fix = `start it with --initial-cluster-state=existing, or take it out: member remove ${member.id.toString(16)}`;
      yield { severity, check, text, fix };
      continue;
    }
    const spare = Math.max(0, answering - needed);
    const left = member.isLearner ? '' : `; the cluster survives the loss of ${spare} more`;
    const text = `${nameOf(member)} does not answer at ${member.endpoint ?? 'any client URL'}: ${member.failure}${left}`;
    const fix = `start it again; if its disk is lost: member remove ${member.id.toString(16)}, then member add`;
    yield { severity, check, text, fix };
  }
  if (voters.length === 1) {
    const text = 'there is one voting member: its loss ends the service';
    yield { severity: 'note', check, text, fix: 'add two members for a cluster that survives one' };
  } else if (voters.length % 2 === 0) {
    const text = `${voters.length} voting members survive no more losses than ${voters.length - 1}`;
    yield { severity: 'note', check, text, fix: 'add or remove one' };
  }
  if (quorumFailure === undefined && readMs > 1000) {
    const text = `a linearizable read took ${Math.round(readMs)} ms`;
    yield {
      severity: 'attention',
      check,
      text,
      fix: 'look at the load, the disks and the network between the members',
    };
  }
}

function* leader({ members }: ClusterSurvey): Generator<Finding> {
  const check = 'leader';
  const answering = members.filter((member) => member.status !== undefined);
  for (const member of answering) {
    if (member.status?.leaderId !== 0n) continue;
    const text = `${nameOf(member)} knows of no leader`;
    const fix = 'see whether it reaches the peer URLs of the others, and they its own';
    yield { severity: 'broken', check, text, fix };
  }
  const leaders = new Set(
    answering.map(({ status }) => status?.leaderId).filter((id) => id !== 0n),
  );
  if (leaders.size > 1) {
    const text = `members name different leaders: ${[...leaders].map((id) => id?.toString(16)).join(', ')}`;
    const fix = 'look again in a moment; if it stays, a member is cut off from the others';
    yield { severity: 'attention', check, text, fix };
  }
  for (const member of answering) {
    const { leaderChangeCount = 0, uptimeSeconds } = member.metrics ?? {};
    if (uptimeSeconds === undefined || leaderChangeCount <= fewLeaderChanges) continue;
    const hours = Math.max(uptimeSeconds / 3600, 1);
    if (leaderChangeCount / hours <= leadersPerHour) continue;
    const text = `${nameOf(member)} has seen ${leaderChangeCount} leaders in ${durationText(uptimeSeconds)}`;
    const fix =
      'look for slow disks and network; or raise --heartbeat-interval and --election-timeout';
    yield { severity: 'attention', check, text, fix };
  }
}

function* alarms({ members, alarms: raised }: ClusterSurvey): Generator<Finding> {
  const check = 'alarm';
  for (const { memberId, name } of raised) {
    const member = members.find(({ id }) => id === memberId);
    const who = member === undefined ? memberId.toString(16) : nameOf(member);
    const fix =
      name === 'NOSPACE'
        ? 'make room: compaction, then defrag of each member (or a larger --quota-backend-bytes); then alarm disarm'
        : 'stop writing; find the member whose endpoint hashkv differs, replace it (member remove, member add), then alarm disarm';
    const text = `${name} is raised by ${who}`;
    yield { severity: 'broken', check, text, fix };
  }
}

function* complaints(member: MemberSurvey): Generator<Finding> {
  for (const complaint of member.status?.errors ?? []) {
    // Alarms have findings of their own.
    if (/alarm:|no leader/.test(complaint)) continue;
    const text = `${nameOf(member)} reports: ${complaint}`;
    yield { severity: 'attention', check: 'status', text, fix: 'look at its log' };
  }
}

function* disk(member: MemberSurvey): Generator<Finding> {
  const check = 'disk';
  const { syncSeconds, commitSeconds } = member.metrics ?? {};
  const fix =
    'give the data folder a disk of its own with fast syncs (SSD with power-loss protection); see who else writes to it';
  const text = (what: string, seconds: number) =>
    `${nameOf(member)}: 1 % of ${what} take longer than ${millis(seconds / 2)}`;
  if (syncSeconds !== undefined && syncSeconds > slowSyncSeconds) {
    const severity = syncSeconds > brokenSyncSeconds ? 'broken' : 'attention';
    yield { severity, check, text: text('syncs of the log', syncSeconds), fix };
  }
  if (commitSeconds !== undefined && commitSeconds > slowCommitSeconds) {
    yield { severity: 'attention', check, text: text('database commits', commitSeconds), fix };
  }
  const { status } = member;
  if (status === undefined || status.sizeBytes < smallDatabaseBytes) return;
  const unused = 1 - status.sizeInUseBytes / status.sizeBytes;
  if (unused < fragmentedShare) return;
  const share = `${Math.round(unused * 100)} % of the database file of ${nameOf(member)} is unused`;
  yield {
    severity: 'note',
    check,
    text: share,
    fix: `defrag --endpoints=${member.endpoint ?? ''}, one member at a time`,
  };
}

/** The bounds of these histograms double: what lies below one is above half of it. */
function millis(seconds: number): string {
  return Number.isFinite(seconds) ? `${Math.round(seconds * 1000)} ms` : 'all that is measured';
}

function* quota(member: MemberSurvey): Generator<Finding> {
  const check = 'quota';
  const { status, metrics, growthBytesPerSecond = 0 } = member;
  const quotaBytes = metrics?.quotaBytes ?? 0;
  if (status === undefined || quotaBytes <= 0) return;
  const share = status.sizeBytes / quotaBytes;
  const used = `${nameOf(member)} uses ${Math.round(share * 100)} % of its quota of ${humanBytes(BigInt(quotaBytes))}`;
  const fix =
    'compaction and defrag, --auto-compaction-retention, or a larger --quota-backend-bytes';
  if (share > fullShare) {
    const severity = share > brokenFullShare ? 'broken' : 'attention';
    yield { severity, check, text: used, fix };
  }
  if (growthBytesPerSecond <= 0) return;
  const leftSeconds = Math.max(0, quotaBytes - status.sizeBytes) / growthBytesPerSecond;
  if (leftSeconds > forecastSeconds) return;
  const pace = `${humanBytes(BigInt(Math.round(growthBytesPerSecond)))}/s`;
  const text = `${used} and grows by ${pace}: full in ${durationText(leftSeconds)} at this pace`;
  yield { severity: 'attention', check, text, fix };
}

function* lag({ members }: ClusterSurvey): Generator<Finding> {
  const check = 'lag';
  let newest = 0n;
  for (const { status } of members) {
    if (status !== undefined && status.raftIndex > newest) newest = status.raftIndex;
  }
  for (const member of members) {
    const { status } = member;
    if (status === undefined) continue;
    const behind = newest - status.raftIndex;
    const unapplied = status.raftIndex - status.appliedIndex;
    const fix = 'look at its disk, its CPU and the network to it';
    if (behind > toleratedLag) {
      const text = `${nameOf(member)} is ${behind} entries behind`;
      yield { severity: 'attention', check, text, fix };
    }
    if (unapplied > toleratedLag) {
      const text = `${nameOf(member)} has ${unapplied} entries that it has not applied`;
      yield { severity: 'attention', check, text, fix };
    }
  }
}

function* clocks({ members }: ClusterSurvey): Generator<Finding> {
  const check = 'clock';
  const fix = 'let all machines keep time by NTP (chrony, systemd-timesyncd)';
  const read = members.flatMap((member) => {
    const { clockAheadSeconds } = member;
    return clockAheadSeconds === undefined ? [] : [{ member, clockAheadSeconds }];
  });
  const sorted = read.sort((a, b) => a.clockAheadSeconds - b.clockAheadSeconds);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return;
  const apart = last.clockAheadSeconds - first.clockAheadSeconds;
  if (apart > clockToleranceSeconds) {
    const text = `the clock of ${nameOf(last.member)} is ${apart.toFixed(0)} s ahead of that of ${nameOf(first.member)}`;
    yield { severity: 'attention', check, text, fix };
  }
  const middle = sorted[Math.floor(sorted.length / 2)]?.clockAheadSeconds ?? 0;
  if (Math.abs(middle) > clockToleranceSeconds) {
    const way = middle > 0 ? 'ahead of' : 'behind';
    const text = `the members' clocks are ${Math.abs(middle).toFixed(0)} s ${way} this machine's`;
    yield { severity: 'note', check, text, fix };
  }
}

function* versions({ members }: ClusterSurvey): Generator<Finding> {
  const byVersion = new Map<string, string[]>();
  for (const member of members) {
    if (member.status === undefined) continue;
    const { version } = member.status;
    byVersion.set(version, [...(byVersion.get(version) ?? []), nameOf(member)]);
  }
  if (byVersion.size < 2) return;
  const list = [...byVersion].map(([version, names]) => `${version} (${names.join(', ')})`);
  const text = `members run different versions: ${list.join(', ')}`;
  const fix = 'finish the upgrade: all members should run the newest of them';
  yield { severity: 'attention', check: 'version', text, fix };
}
