import { expect, it } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';
import { describeTargets, Target } from './targets.ts';
import { Reading } from './watching.ts';

describeTargets('the cluster', (target) => {
  it('says who its members are, and how they stand', async () => {
    const client = target().connect();
    const members = await client.members.list();
    expect(members).toHaveLength(target().endpoints.length);
    const { revision } = await client.put('cluster/k', '1');
    for (const endpoint of target().endpoints) {
      const status = await client.maintenance.status(endpoint);
      const member = members.find(({ id }) => id === status.memberId);
      expect(member?.clientUrls).toEqual([`http://${endpoint}`]);
      expect(member?.isLearner).toBe(false);
      expect(members.map(({ id }) => id)).toContain(status.leaderId);
      expect(status.dbSizeBytes).toBeGreaterThan(0);
      expect(status.revision).toBeGreaterThanOrEqual(revision - 1n);
      expect(status.errors).toEqual([]);
    }
    expect(await client.members.list({ serializable: true })).toEqual(members);
  });

  it('has the same keys everywhere', async () => {
    const client = target().connect();
    const { revision } = await client.put('cluster/k', '2');
    const hashes = target().endpoints.map((endpoint) =>
      eventually('it has applied that', async () => {
        const { revision: applied } = await client.maintenance.status(endpoint);
        return applied >= revision && client.maintenance.hashKeys(endpoint, { revision });
      }),
    );
    const [first, ...others] = await Promise.all(hashes);
    for (const other of others) expect(other).toEqual(first);
    expect(first?.hashRevision).toBe(revision);
  });

  it('has no alarms, and a snapshot', async () => {
    const client = target().connect();
    expect(await client.maintenance.alarms()).toEqual([]);
    let bytes = 0;
    for await (const part of client.maintenance.snapshot()) bytes += part.length;
    expect(bytes).toBeGreaterThan(16_384);
    const [endpoint = ''] = target().endpoints;
    for await (const part of client.maintenance.snapshot({ endpoint })) {
      expect(part.length).toBeGreaterThan(0);
      break;
    }
    await client.maintenance.defragment(endpoint);
  });

  it('forgets what it is told to', async () => {
    const client = target().connect();
    const first = await client.put('cluster/k', '3');
    const { revision } = await client.put('cluster/k', '4');
    await client.compact(revision, { physical: true });
    const reading = client.get('cluster/k', { revision: first.revision });
    await expect(reading).rejects.toMatchObject({ code: 'compacted' });
    await expect(client.compact(revision)).rejects.toMatchObject({ code: 'compacted' });
  });

  it('has members added, updated and removed', async () => {
    const client = target().connect();
    // Members that have just met are not trusted yet.
    const added = await eventually('the cluster counts as healthy', () => {
      return client.members.add(['http://127.0.0.1:1'], { isLearner: true });
    });
    expect(added).toMatchObject({ name: '', isLearner: true, clientUrls: [] });
    await client.members.update(added.id, ['http://127.0.0.1:2']);
    const listed = await client.members.list();
    expect(listed.find(({ id }) => id === added.id)?.peerUrls).toEqual(['http://127.0.0.1:2']);
    await expect(client.members.promote(added.id)).rejects.toMatchObject({
      code: 'learnerNotReady',
    });
    await client.members.remove(added.id);
    await expect(client.members.remove(404n)).rejects.toMatchObject({ code: 'memberNotFound' });
    expect(await client.members.list()).toHaveLength(target().endpoints.length);
  });
});

it('leadership moves where it is sent, and watches and leases do not mind', async () => {
  await using cluster = await TestCluster.start();
  const target = new Target(cluster.members.map(({ endpoint }) => endpoint));
  const client = target.connect();
  const reading = new Reading(client.watch('k'));
  await reading.watch.opened;
  await using lease = await client.lease(5);
  const leader = await cluster.leader();
  for (const member of cluster.members) {
    if (member === leader) continue;
    const { memberId } = await client.maintenance.status(member.endpoint);
    await client.maintenance.moveLeader(memberId);
    await eventually('it leads', async () => (await cluster.leader()) === member);
    await client.put('k', member.name, { lease });
    await reading.until(`k=${member.name}`);
  }
  expect(reading.texts).toHaveLength(2);
  expect(lease.signal.aborted).toBe(false);
  target.close();
});
