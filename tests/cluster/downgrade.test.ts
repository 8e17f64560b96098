import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Kvctl } from '../e2e/kvctl.ts';
import { type ClusterMember, TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';

/** As the two are told by GET /version. */
interface VersionPage {
  readonly etcdserver: string;
  readonly etcdcluster: string;
}

/** It runs no command that wants a process of its own. */
const noBundle = '';

describe('a downgrade of a cluster', () => {
  let cluster: TestCluster;
  const nothing = { enabled: false, targetVersion: '' };
  const under = { enabled: true, targetVersion: '3.6.0' };

  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  async function run(member: ClusterMember, ...args: readonly string[]) {
    const { status, stdout, stderr } = await new Kvctl(noBundle, member.endpoint).run(
      'downgrade',
      ...args,
    );
    const error = stderr.find((line) => line.startsWith('Error'));
    return error ?? `${status.code} ${stdout.join('\n')}`;
  }

  async function seenBy(member: ClusterMember) {
    using client = member.client();
    const { downgradeInfo, storageVersion } = await client.maintenance.status({});
    const page = (await (await fetch(`${member.url}/version`)).json()) as VersionPage;
    const peers = await fetch(`${member.peerUrl}/downgrade/enabled`);
    return {
      info: { ...downgradeInfo, $typeName: undefined, $unknown: undefined },
      storageVersion,
      clusterVersion: page.etcdcluster,
      peersAreTold: await peers.text(),
    };
  }

  /** What all members say in the end: those that did not take the command hear of it a little later. */
  async function expectSeen(info: typeof nothing, version: string): Promise<void> {
    const wanted = {
      info,
      storageVersion: version,
      clusterVersion: version,
      peersAreTold: String(info.enabled),
    };
    for (const member of cluster.members) {
      await eventually(`${member.name} knows`, async () => {
        return (await seenBy(member)).info.enabled === info.enabled;
      });
      expect(await seenBy(member)).toEqual(wanted);
    }
  }

  it('is checked before it begins', async () => {
    const [one] = cluster.members as [ClusterMember];
    await expectSeen(nothing, '3.7.0');
    expect(await run(one, 'validate', '3.6')).toBe(
      '0 Downgrade validate success, cluster version 3.7.0',
    );
    expect(await run(one, 'validate', '3.5')).toContain('invalid downgrade target version');
    expect(await run(one, 'enable', '3.7')).toContain('invalid downgrade target version');
    expect(await run(one, 'enable', '3')).toContain('wrong downgrade target version format');
    expect(await run(one, 'cancel')).toBe('0 Downgrade cancel success, cluster version 3.7.0');
    await expectSeen(nothing, '3.7.0');
  });

  it('begins once, and outlives restarts of all members', async () => {
    const answers = await Promise.all(cluster.members.map((one) => run(one, 'enable', '3.6.4')));
    const begun = '0 Downgrade enable success, cluster version 3.7.0';
    expect(answers.filter((answer) => answer === begun)).toHaveLength(1);
    for (const answer of answers) {
      if (answer !== begun) expect(answer).toMatch(/in progress|invalid downgrade target/);
    }
    await expectSeen(under, '3.6.0');
    await Promise.all(cluster.members.map((member) => member.stop()));
    await Promise.all(cluster.members.map((member) => member.spawn()));
    await Promise.all(cluster.members.map((member) => member.ready()));
    await expectSeen(under, '3.6.0');
    expect(await run(cluster.member(2), 'validate', '3.5')).toContain('in progress');
  });

  it('ends when it is cancelled, at any member', async () => {
    expect(await run(cluster.member(1), 'cancel')).toBe(
      '0 Downgrade cancel success, cluster version 3.6.0',
    );
    await expectSeen(nothing, '3.7.0');
    expect(await run(cluster.member(2), 'validate', '3.6')).toContain('cluster version 3.7.0');
  });
});
