import { examine, type Finding, nameOf, type Severity } from '../../doctor/examine.ts';
import type { ClusterSurvey, MemberSurvey } from '../../doctor/survey.ts';
import { takeSurvey } from '../../doctor/take-survey.ts';
import { exitCodes } from '../../exit-error.ts';
import { durationFlag } from '../../flags/flag.ts';
import { humanBytes } from '../../output/go-text.ts';
import { type Palette, paletteFor } from '../../output/palette.ts';
import { unsupported } from '../../output/print.ts';
import { defineCommand } from '../../program/command.ts';

/** Exit code when everything works, but something should be done before it no longer does. */
const attentionCode = 9;

export const doctor = defineCommand({
  use: 'doctor [options]',
  long: `
Looks at all members of a cluster and says what is wrong and how to mend it: members that are down, quorum, leader,
alarms, how long their disks take to sync, clocks, versions, how full they are and when they will be full.

Exit code: 0 when there is nothing to do, ${attentionCode} when something needs attention, 1 when something is broken or nobody answers.`,
  flags: {
    sample: durationFlag('how long to watch the databases grow', '2s'),
  },
  run: async (invocation) => {
    const { host, flags } = invocation;
    const format = invocation.globals()['write-out'];
    if (format !== 'simple' && format !== 'json') throw unsupported(format);
    const survey = await takeSurvey(invocation, flags.sample);
    const findings = examine(survey);
    if (format === 'json') {
      invocation.writeLine(jsonText(survey, findings));
    } else {
      const palette = paletteFor(host.stdout, host.env);
      for (const line of textLines(survey, findings, palette)) invocation.writeLine(line);
    }
    if (findings.some(({ severity }) => severity === 'broken')) return exitCodes.error;
    const needsAttention = findings.some(({ severity }) => severity === 'attention');
    return needsAttention ? attentionCode : exitCodes.ok;
  },
});

function* textLines(
  survey: ClusterSurvey,
  findings: readonly Finding[],
  palette: Palette,
): Generator<string> {
  yield palette.heading('Members');
  for (const member of survey.members) {
    const name = `  ${nameOf(member)} (${member.id.toString(16)})`;
    yield `${name}  ${member.endpoint ?? 'no client URL'}  ${memberText(member, palette)}`;
  }
  yield '';
  yield palette.heading('Findings');
  if (findings.every(({ severity }) => severity === 'note')) {
    yield `  ${palette.good('ok')}  nothing is wrong`;
  }
  const colours: Readonly<Record<Severity, (text: string) => string>> = {
    broken: palette.bad,
    attention: palette.warning,
    note: palette.faint,
  };
  for (const { severity, check, text, fix } of findings) {
    yield `  ${colours[severity](severity)}  ${check}: ${text}`;
    yield `    fix: ${fix}`;
  }
}

function memberText({ status, metrics, isLearner, id }: MemberSurvey, palette: Palette): string {
  if (status === undefined) return palette.bad('does not answer');
  const role = isLearner ? 'learner' : status.leaderId === id ? 'leader' : 'follower';
  const quota = metrics?.quotaBytes;
  const ofQuota = quota === undefined || quota <= 0 ? '' : ` of ${humanBytes(BigInt(quota))}`;
  const parts = [role, status.version, `${humanBytes(BigInt(status.sizeBytes))}${ofQuota}`];
  const sync = metrics?.syncSeconds;
  if (metrics === undefined) parts.push('/metrics not readable: disk and quota not looked at');
  else if (sync !== undefined) parts.push(`99 % of syncs within ${Math.round(sync * 1000)} ms`);
  return parts.join(', ');
}

function jsonText(survey: ClusterSurvey, findings: readonly Finding[]): string {
  const members = survey.members.map((member) => {
    const { id, name, isLearner, endpoint, status, metrics, failure } = member;
    return {
      id: id.toString(16),
      name,
      endpoint,
      isLearner,
      isLeader: status !== undefined && status.leaderId === id,
      version: status?.version,
      sizeBytes: status?.sizeBytes,
      quotaBytes: metrics?.quotaBytes,
      syncSeconds: metrics?.syncSeconds,
      commitSeconds: metrics?.commitSeconds,
      clockAheadSeconds: member.clockAheadSeconds,
      growthBytesPerSecond: member.growthBytesPerSecond,
      failure: status === undefined ? failure : undefined,
    };
  });
  return JSON.stringify({ members, findings });
}
