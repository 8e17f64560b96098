import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClient } from '../create-client.ts';
import { MemoryLeases } from '../testing/memory-leases.ts';

const calm = ['nothing', 'nothing', 'nothing', 'answered', 'up'] as const;
const trouble = ['lose', 'down', 'still', 'unanswered', 'lost'] as const;

const step = fc.record({
  what: fc.constantFrom(...calm, ...trouble),
  delayMs: fc.constantFrom(0, 0, 1, 300, 2500),
  passMs: fc.constantFrom(1, 100, 900, 3300, 9000),
});

/** What a run has to be that its property says anything of; told at the end. */
const seen = { kept: 0, lost: 0 };

it('a lease is lost to its holder before it can be to the server, whatever happens', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 3, maxLength: 25 }),
    fc.integer({ min: 1, max: 20 }),
    async (steps, ttlSeconds) => {
      const cluster = new MemoryLeases();
      const options = { endpoints: ['a:1', 'b:1'], timeoutMs: 1000 };
      const client = createClient(options, cluster.environment);
      const leases = await Promise.all([client.lease(ttlSeconds), client.lease(7)]);
      const aliveAtLoss: boolean[] = [];
      let isHeldStill = false;
      for (const lease of leases) {
        lease.signal.addEventListener('abort', () => {
          const { reason } = lease.signal;
          // What the server says is gone is gone, and was noticed before by nobody who was held still.
          if (isHeldStill || reason.code === 'closed') return;
          aliveAtLoss.push(cluster.isAlive(lease.id));
        });
      }
      for (const { what, delayMs, passMs } of steps) {
        cluster.delayMs = delayMs;
        if (what === 'lose') for (const stream of cluster.streams) stream.lose();
        if (what === 'down') cluster.moods.set('a:1', 'down').set('b:1', 'down');
        if (what === 'up') cluster.moods.clear();
        if (what === 'still') {
          isHeldStill = true;
          cluster.holdStill(passMs);
          // The timers have not been called, and the clock says it all the same.
          for (const lease of leases) {
            if (lease.remainingMs > 0) expect(cluster.isAlive(lease.id)).toBe(true);
            if (!cluster.isAlive(lease.id)) expect(() => lease.throwIfLost()).toThrow();
          }
        }
        if (what === 'answered' || what === 'unanswered' || what === 'lost') {
          cluster.renewals = what;
        }
        await cluster.pass(passMs);
        for (const lease of leases) {
          if (!cluster.isAlive(lease.id)) expect(lease.signal.aborted).toBe(true);
        }
      }
      expect(aliveAtLoss).not.toContain(false);
      seen.lost += aliveAtLoss.length;
      seen.kept += leases.filter(({ signal }) => !signal.aborted).length;
      client.close();
    },
  );
  await fc.assert(property, { numRuns: 200 });
  expect(seen.kept).toBeGreaterThan(50);
  expect(seen.lost).toBeGreaterThan(50);
});
