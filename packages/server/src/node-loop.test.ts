import {
  EtcdError,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
} from '@kvorum/api';
import { SimDisk } from '@kvorum/wal/testing';
import { describe, expect, it } from 'vitest';
import type { Proposal } from './apply/proposal.ts';
import { MemoryEngines } from './memory-engines.ts';
import { type OpenProposal, ProposalQueue } from './proposal-queue.ts';
import { type CallError, SimMember } from './testing/index.ts';

const PUT = ['/etcdserverpb.KV/Put', PutRequestSchema, PutResponseSchema] as const;
const RANGE = ['/etcdserverpb.KV/Range', RangeRequestSchema, RangeResponseSchema] as const;
const key = Buffer.from('k');

async function start(): Promise<{ disk: SimDisk; member: SimMember }> {
  const disk = new SimDisk({ seed: 3 });
  const engines = new MemoryEngines({ crashable: true });
  return { disk, member: await SimMember.start({ disk, engines }, 1) };
}

describe('the loop', () => {
  it('writes one batch for all that arrives in a turn', async () => {
    const { disk, member } = await start();
    const writes: string[] = [];
    disk.onBoundary = ({ operation, path }) => {
      if (path.endsWith('.wal')) writes.push(operation);
    };
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => member.call(...PUT, { key: Buffer.from(`k${i}`) })),
    );
    // The entries with their sync, then the note of what is committed.
    expect(writes.filter((operation) => operation === 'sync').length).toBe(1);
    expect(writes.filter((operation) => operation === 'write').length).toBeLessThanOrEqual(2);
    expect(member.core.store.revision).toBe(101);
    await member.core.close();
  });

  it.each([
    ['sync', 1],
    ['sync', 50],
    // As on a full disk.
    ['write', 1],
    ['write', 50],
  ] as const)('ends the member when a %s fails, with %d writes waiting', async (what, count) => {
    const { disk, member } = await start();
    await member.call(...PUT, { key });
    disk.failNext(what, { path: '.wal' });
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, () => member.call(...PUT, { key })),
    );
    const fatal = await member.core.end.fatal;
    expect(fatal.message).toContain(`${what} failed`);
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected');
      const reason = (outcome as PromiseRejectedResult).reason as CallError;
      expect(reason.message).toBe('etcdserver: server stopped');
    }
    await expect(member.call(...PUT, { key })).rejects.toThrow('etcdserver: server stopped');
    await expect(member.call(...RANGE, { key })).rejects.toThrow('etcdserver: server stopped');
  });

  it('answers reads while a sync is running', async () => {
    const released = Promise.withResolvers<void>();
    let held = false;
    const disk = new SimDisk({
      seed: 3,
      syncDelay: () => (held ? released.promise : Promise.resolve()),
    });
    const member = await SimMember.start({ disk, engines: new MemoryEngines() }, 1);
    await member.call(...PUT, { key, value: Buffer.from('old') });
    held = true;
    const writes = Array.from({ length: 10 }, () =>
      member.call(...PUT, { key, value: Buffer.from('new') }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const before = await member.call(...RANGE, { key });
    expect(Buffer.from(before.kvs[0]?.value ?? []).toString()).toBe('old');
    released.resolve();
    await Promise.all(writes);
    const after = await member.call(...RANGE, { key });
    expect(Buffer.from(after.kvs[0]?.value ?? []).toString()).toBe('new');
    await member.core.close();
  });

  it('fails what waits when the member is closed, and closes behind a running sync', async () => {
    const { member } = await start();
    const writes = Array.from({ length: 20 }, () => member.call(...PUT, { key }));
    const closed = member.core.close();
    const outcomes = await Promise.allSettled(writes);
    await closed;
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    for (const outcome of failed) {
      const { reason } = outcome as PromiseRejectedResult;
      expect((reason as CallError).message).toBe('etcdserver: server stopped');
    }
  });
});

type Outcome = Proposal & { readonly error: EtcdError | undefined };

describe('the proposal queue', () => {
  const proposalAt = (proposedAtMs: number): Proposal & { error: EtcdError | undefined } => ({
    request: { kind: 'leaseRevoke', id: 1n },
    caller: undefined,
    proposedAtMs,
    done: false,
    error: undefined,
    settle() {
      this.done = true;
    },
    fail(error) {
      this.done = true;
      this.error = error;
    },
  });
  const data = new Uint8Array(100);
  const id = { high: 1, low: 2 };

  it('refuses more than its limits, by count and by bytes', () => {
    const byCount = new ProposalQueue({ maxProposals: 2, maxBytes: 1000 });
    byCount.push(data, proposalAt(0), id);
    byCount.push(data, proposalAt(0), id);
    expect(() => byCount.push(data, proposalAt(0), id)).toThrow('etcdserver: too many requests');
    const [first] = byCount.take(1, true);
    byCount.close(first as OpenProposal);
    byCount.push(data, proposalAt(0), id);
    const byBytes = new ProposalQueue({ maxProposals: 100, maxBytes: 250 });
    byBytes.push(data, proposalAt(0), id);
    byBytes.push(data, proposalAt(0), id);
    expect(() => byBytes.push(data, proposalAt(0), id)).toThrow(EtcdError);
  });

  it('fails those that wait for too long, once, oldest first', () => {
    const queue = new ProposalQueue();
    const proposals = [10, 20, 30].map(proposalAt);
    for (const proposal of proposals) queue.push(data, proposal, id);
    const timeout = new EtcdError('timeout');
    expect(queue.failOlderThan(25, () => timeout)).toBe(2);
    expect(queue.failOlderThan(25, () => timeout)).toBe(0);
    expect(proposals.map(({ error }) => error)).toEqual([timeout, timeout, undefined]);
  });

  it('proposes again what the leader of an earlier term has lost, in order, but for what it alone may', () => {
    const queue = new ProposalQueue();
    const proposals = [10, 20, 30, 40].map(proposalAt);
    const [applied, request, bound, later] = proposals as [Outcome, Outcome, Outcome, Outcome];
    queue.push(data, applied, id);
    queue.push(data, request, id);
    queue.push(data, bound, id, { onlyInTerm: 3 });
    const [first] = queue.take(3, true);
    queue.close(first as OpenProposal);
    queue.push(data, later, id);
    queue.appliedIn(3);
    expect(queue.take(3, true).map(({ proposal }) => proposal)).toEqual([later]);
    queue.appliedIn(4);
    expect(queue.take(4, false).map(({ proposal }) => proposal)).toEqual([request, later]);
    expect(bound.error).toEqual(new EtcdError('leaderChanged'));
    expect([applied.error, request.error]).toEqual([undefined, undefined]);
  });

  it('does not propose again what may have been applied unseen', () => {
    const queue = new ProposalQueue();
    const [before, after] = [10, 20].map(proposalAt) as [Outcome, Outcome];
    queue.push(data, before, id);
    queue.take(3, false);
    queue.push(data, after, id);
    queue.loseSight();
    queue.take(3, false);
    queue.appliedIn(4);
    expect(queue.take(4, false).map(({ proposal }) => proposal)).toEqual([after]);
  });

  it('hands out changes of the membership by themselves, and what was for an earlier leader not at all', () => {
    const queue = new ProposalQueue();
    const [change, bound] = [10, 20].map(proposalAt) as [Outcome, Outcome];
    const add = { id: 7n, type: 'addNode', nodeId: 4n, context: data } as const;
    queue.push(data, change, id, { change: add });
    queue.push(data, bound, id, { onlyInTerm: 3 });
    expect(queue.hasChanges).toBe(true);
    expect(queue.take(4, true)).toEqual([]);
    expect(bound.error).toEqual(new EtcdError('leaderChanged'));
    const changes = queue.takeChanges(4);
    expect(changes.map((open) => open.change)).toEqual([add]);
    queue.putBack(changes);
    expect(queue.takeChanges(4)).toEqual(changes);
  });
});
