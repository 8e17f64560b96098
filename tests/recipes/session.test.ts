import { Session } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { describeTargets } from '../client/targets.ts';
import { eventually } from '../framework/eventually.ts';

describeTargets('a session', (target) => {
  it('takes back all that is attached to it when its scope is left', async () => {
    const client = target().connect();
    {
      await using session = await Session.open(client);
      expect(session.lease.ttlSeconds).toBe(60);
      await client.put('session/scoped', 'x', { lease: session.lease });
      session.throwIfLost();
    }
    expect(await client.get('session/scoped')).toBeUndefined();
  });

  it('that is orphaned leaves what it holds until the lease runs out', async () => {
    const client = target().connect();
    const session = await Session.open(client, { ttlSeconds: 2 });
    await client.put('session/orphan', 'x', { lease: session.lease });
    session.orphan();
    expect(session.signal.aborted).toBe(true);
    expect(() => session.throwIfLost()).toThrow(expect.objectContaining({ code: 'sessionLost' }));
    expect((await client.get('session/orphan'))?.lease).toBe(session.leaseId);
    await eventually('the lease runs out', async () => {
      return (await client.get('session/orphan')) === undefined;
    });
  });

  it('goes on with a lease that was granted elsewhere', async () => {
    const client = target().connect();
    const { ID: leaseId } = await client.rpc.lease.leaseGrant({ TTL: 60n });
    await using session = await Session.open(client, { leaseId });
    expect(session.leaseId).toBe(leaseId);
    expect(session.leaseName).toBe(leaseId.toString(16));
    await expect(Session.open(client, { leaseId: 404n })).rejects.toMatchObject({
      code: 'leaseNotFound',
    });
  });

  it('is lost when somebody revokes its lease', async () => {
    const client = target().connect();
    const session = await Session.open(client, { ttlSeconds: 3 });
    await client.leases.revoke(session.leaseId);
    await eventually('the signal fires', () => session.signal.aborted);
    expect(() => session.throwIfLost()).toThrow(expect.objectContaining({ code: 'sessionLost' }));
  });
});
