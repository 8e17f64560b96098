import { describe, expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import type { MemoryCluster } from '../testing/memory-cluster.ts';
import { MemoryLeases } from '../testing/memory-leases.ts';

function clientOf(cluster: MemoryCluster): Client {
  return createClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 1000 }, cluster.environment);
}

describe('a lease', () => {
  it('is renewed each third of its time, over one stream with others', async () => {
    const cluster = new MemoryLeases();
    const client = clientOf(cluster);
    const leases = await Promise.all([client.lease(10), client.lease(10), client.lease(10)]);
    await cluster.pass(60_000);
    expect(leases.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
    expect(cluster.streams).toHaveLength(1);
    const renewals = cluster.lastStream.received.length;
    expect(renewals).toBeGreaterThanOrEqual(3 * 17);
    expect(renewals).toBeLessThanOrEqual(3 * 21);
    client.close();
  });

  it.each(['unanswered', 'lost'] as const)(
    'is lost before the server can have expired it, when renewals are %s',
    async (renewals) => {
      const cluster = new MemoryLeases();
      const client = clientOf(cluster);
      const lease = await client.lease(10);
      let aliveAtLoss: boolean | undefined;
      lease.signal.addEventListener('abort', () => {
        aliveAtLoss = cluster.isAlive(lease.id);
      });
      await cluster.pass(15_000);
      cluster.renewals = renewals;
      await cluster.pass(20_000);
      expect(aliveAtLoss).toBe(true);
      expect(lease.signal.reason).toMatchObject({ code: 'leaseExpired' });
      expect(lease.remainingMs).toBe(0);
      expect(() => lease.throwIfLost()).toThrow(/could not be renewed in time/);
      client.close();
    },
  );

  it('is renewed by another member when one does not answer', async () => {
    const cluster = new MemoryLeases();
    const client = clientOf(cluster);
    const lease = await client.lease(10);
    cluster.renewals = 'lost';
    await cluster.pass(4000);
    cluster.renewals = 'answered';
    await cluster.pass(26_000);
    expect(lease.signal.aborted).toBe(false);
    expect(cluster.streams.map(({ endpoint }) => endpoint)).toEqual(['b:1', 'a:1']);
    expect(cluster.streams.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    client.close();
  });

  it('is renewed over a new stream when the old one ends', async () => {
    const cluster = new MemoryLeases();
    const client = clientOf(cluster);
    const lease = await client.lease(10);
    for (let second = 0; second < 30; second++) {
      await cluster.pass(1000);
      cluster.streams.at(-1)?.lose();
    }
    expect(lease.signal.aborted).toBe(false);
    client.close();
  });

  it('is lost when the server says that it is gone', async () => {
    const cluster = new MemoryLeases();
    const client = clientOf(cluster);
    const lease = await client.lease(10);
    cluster.expiries.clear();
    await cluster.pass(4000);
    expect(lease.signal.reason).toMatchObject({ code: 'leaseNotFound' });
    client.close();
  });

  it('counts its time from before it was asked for', async () => {
    const cluster = new MemoryLeases();
    const client = clientOf(cluster);
    const answer = cluster.handle;
    // The member hears of it at once, and its answer is 900 ms on the way.
    cluster.handle = (path, request, endpoint) => {
      const bytes = answer?.(path, request, endpoint);
      if (path.endsWith('/LeaseGrant')) cluster.environment.timers.after(900, () => {});
      while (path.endsWith('/LeaseGrant') && cluster.nowMs < 900) cluster.tick();
      return bytes;
    };
    const lease = await client.lease(10);
    expect(cluster.nowMs).toBe(900);
    expect(lease.remainingMs).toBe(10_000 - 1000 - 900);
    client.close();
  });

  it('notices by the clock alone that it is lost, though its timer is late', async () => {
    const cluster = new MemoryLeases();
    const client = clientOf(cluster);
    const lease = await client.lease(10);
    cluster.renewals = 'lost';
    cluster.holdStill(20_000);
    expect(lease.signal.aborted).toBe(false);
    expect(lease.remainingMs).toBe(0);
    expect(() => lease.throwIfLost()).toThrow(/could not be renewed in time/);
    expect(lease.signal.aborted).toBe(true);
    client.close();
  });

  it('is revoked when its scope is left, and its signal fires before that', async () => {
    const cluster = new MemoryLeases();
    const client = clientOf(cluster);
    let signal: AbortSignal;
    {
      await using lease = await client.lease(10);
      signal = lease.signal;
      signal.addEventListener('abort', () => expect(cluster.revoked).toEqual([]));
    }
    expect(signal.reason).toMatchObject({ code: 'leaseRevoked' });
    expect(cluster.revoked).toHaveLength(1);
    await cluster.pass(20_000);
    expect(cluster.streams).toHaveLength(0);
    client.close();
  });

  it('runs out by itself when it is released', async () => {
    const cluster = new MemoryLeases();
    await using client = clientOf(cluster);
    const lease = await client.lease(10);
    lease.release();
    expect(lease.signal.reason).toMatchObject({ code: 'leaseReleased' });
    await cluster.pass(20_000);
    expect(cluster.revoked).toEqual([]);
    expect(cluster.streams).toHaveLength(0);
  });

  it('is lost when the client is closed, and revoked when the client is disposed of', async () => {
    const cluster = new MemoryLeases();
    const closed = clientOf(cluster);
    const one = await closed.lease(10);
    closed.close();
    expect(one.signal.reason).toMatchObject({ code: 'closed' });
    expect(cluster.revoked).toEqual([]);
    const disposed = clientOf(cluster);
    const other = await disposed.lease(10);
    await disposed[Symbol.asyncDispose]();
    expect(other.signal.reason).toMatchObject({ code: 'leaseRevoked' });
    expect(cluster.revoked).toHaveLength(1);
  });

  it('lives for whole seconds', async () => {
    const cluster = new MemoryLeases();
    using stack = new DisposableStack();
    const client = stack.adopt(clientOf(cluster), (one) => one.close());
    await expect(client.lease(0.5)).rejects.toThrow(/whole seconds/);
  });
});
