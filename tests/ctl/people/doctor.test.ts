import { expect, it } from 'vitest';
import { TestCluster } from '../../framework/cluster.ts';
import { startEtcd } from '../../framework/member.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { kvctlAt, testServer } from './server.ts';

const server = testServer();
const sample = '--sample=10ms';

/** Disks and loads of the machine that tests run on are not theirs to judge. */
function withoutLoad(findings: readonly { readonly check: string; readonly severity: string }[]) {
  return findings.filter(({ check, severity }) => {
    return check !== 'disk' && check !== 'quota' && !(check === 'quorum' && severity === 'note');
  });
}

it('a member of Kvorum is looked at in all respects', async () => {
  const result = await server.kvctl(['doctor', sample, '-w', 'json']);
  const { members, findings } = JSON.parse(result.stdout);
  expect(members).toEqual([
    expect.objectContaining({
      name: 'm1',
      endpoint: server.member.endpoint,
      isLeader: true,
      version: '3.7.1',
      quotaBytes: expect.any(Number),
      syncSeconds: expect.any(Number),
      clockAheadSeconds: expect.any(Number),
    }),
  ]);
  expect(findings).toContainEqual(expect.objectContaining({ check: 'quorum', severity: 'note' }));
  expect(withoutLoad(findings)).toEqual([]);
});

it('says it in words, with a fix for each finding', async () => {
  const { client } = server;
  const { members } = await client.cluster.memberList({});
  await client.maintenance.alarm({ action: 1, memberID: members[0]?.ID ?? 0n, alarm: 1 });
  const result = await server.kvctl(['doctor', sample]);
  expect(result.exitCode).toBe(1);
  expect(result.stdout).toMatch(
    /^Members\n {2}m1 \([0-9a-f]+\) {2}127\.0\.0\.1:\d+ {2}leader, 3\.7\.1, /,
  );
  expect(result.stdout).toMatch(/ {2}broken {2}alarm: NOSPACE is raised by m1\n {4}fix: make room/);
  await client.maintenance.alarm({ action: 2, memberID: members[0]?.ID ?? 0n, alarm: 1 });
});

const real = realEtcd('3.5');
it.skipIf(real === undefined)('a real etcd is looked at as well', async () => {
  if (real === undefined) return;
  await using etcd = await startEtcd(real);
  const result = await kvctlAt(etcd.endpoint, ['doctor', sample, '-w', 'json']);
  const { members, findings } = JSON.parse(result.stdout);
  expect(members).toEqual([
    expect.objectContaining({
      name: 'm1',
      isLeader: true,
      version: '3.5.16',
      quotaBytes: 2147483648,
      commitSeconds: expect.any(Number),
      clockAheadSeconds: expect.any(Number),
    }),
  ]);
  expect(withoutLoad(findings)).toEqual([]);
});

it('a member that is down is a finding, and so is a lost majority', async () => {
  await using cluster = await TestCluster.start();
  const leader = await cluster.leader();
  const [one, other] = cluster.members.filter((member) => member !== leader);
  if (one === undefined || other === undefined) throw new Error('there are three members');
  const endpoints = [leader, one].map(({ endpoint }) => endpoint).join(',');
  await other.kill();
  const degraded = await kvctlAt(endpoints, ['doctor', sample, '-w', 'json']);
  const text = expect.stringMatching(
    new RegExp(
      `^${other.name} does not answer at .*${other.clientPort}: connect: .*the loss of 0 more$`,
    ),
  );
  expect(JSON.parse(degraded.stdout).findings).toContainEqual(
    expect.objectContaining({ check: 'quorum', severity: 'attention', text }),
  );
  await one.kill();
  const flags = ['doctor', sample, '-w', 'json', '--command-timeout=1s'];
  const broken = await kvctlAt(endpoints, flags);
  expect(broken.exitCode).toBe(1);
  expect(JSON.parse(broken.stdout).findings[0]).toMatchObject({
    severity: 'broken',
    text: expect.stringMatching(/^no majority: .*1 of 3 voters answer, 2 are needed$/),
  });
});

it('nobody who answers is an error that says what was tried', async () => {
  const result = await kvctlAt('127.0.0.1:1', ['doctor', sample, '--command-timeout=300ms']);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/Error: context deadline exceeded\n {2}127\.0\.0\.1:1: connect: /);
});
