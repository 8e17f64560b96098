import { expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { describeTargets } from './targets.ts';

describeTargets('a lease', (target) => {
  it('keeps its keys for longer than it was granted for', async () => {
    const client = target().connect();
    await using lease = await client.lease(2);
    expect(lease.ttlSeconds).toBeGreaterThanOrEqual(2);
    await client.put('lease/held', 'x', { lease });
    // Another lease of the same time that nobody renews tells when the first would have ended.
    const { ID } = await client.rpc.lease.leaseGrant({ TTL: BigInt(lease.ttlSeconds) });
    await client.put('lease/other', 'y', { lease: ID });
    await eventually('the lease that nobody renews ends', async () => {
      return (await client.get('lease/other')) === undefined;
    });
    expect((await client.get('lease/held'))?.lease).toBe(lease.id);
    expect(lease.signal.aborted).toBe(false);
    expect(lease.remainingMs).toBeGreaterThan(0);
  });

  it('ends with its scope, and its keys with it', async () => {
    const client = target().connect();
    {
      await using lease = await client.lease(60);
      await client.put('lease/scoped', 'x', { lease });
      expect(await client.leases.timeToLive(lease.id, { keys: true })).toMatchObject({
        grantedTtlSeconds: 60,
        keys: [new TextEncoder().encode('lease/scoped')],
      });
    }
    expect(await client.get('lease/scoped')).toBeUndefined();
  });

  it('is kept alive by whoever adopts it', async () => {
    const client = target().connect();
    const other = target().connect();
    const lease = await client.lease(60);
    await client.leases.adopt(lease.id).then(
      () => expect.unreachable('it is held already'),
      (error) => expect(error).toMatchObject({ code: 'leaseExist' }),
    );
    lease.release();
    await using adopted = await other.leases.adopt(lease.id);
    expect(adopted.ttlSeconds).toBe(60);
    expect(adopted.remainingMs).toBeGreaterThan(50_000);
    // A member tells what it has heard of so far.
    await target().caughtUp();
    expect(await client.leases.list()).toContain(lease.id);
  });

  it('that another has revoked is lost', async () => {
    const client = target().connect();
    const lease = await client.lease(3);
    const lost = new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
    await client.leases.revoke(lease.id);
    await lost;
    expect(lease.signal.reason).toMatchObject({ code: 'leaseNotFound' });
    await expect(client.leases.timeToLive(lease.id)).rejects.toMatchObject({
      code: 'leaseNotFound',
    });
    await expect(client.leases.revoke(lease.id)).rejects.toMatchObject({ code: 'leaseNotFound' });
  });

  it('is refused when its id is taken', async () => {
    const client = target().connect();
    await using lease = await client.lease(60, { id: 4711n });
    expect(lease.id).toBe(4711n);
    await expect(client.lease(60, { id: 4711n })).rejects.toMatchObject({ code: 'leaseExist' });
  });
});
