import type { Client } from '@kvorum/client';
import { Election, Session } from '@kvorum/recipes';
import { beforeEach, expect, it } from 'vitest';
import { describeMembers, describeTargets, Target } from '../client/targets.ts';
import { eventually } from '../framework/eventually.ts';
import { keysBelow, lineOf } from './places.ts';

let spaces = 0;

/** Reads what an observer sees into a list. */
function observed(election: Election, signal: AbortSignal) {
  const seen: string[] = [];
  const ended = (async () => {
    for await (const leader of election.observe({ signal })) seen.push(leader.string());
  })();
  ended.catch(() => {});
  return { seen, ended };
}

describeTargets('an election', (target) => {
  let client: Client;
  beforeEach(() => {
    client = target().connect().namespace(`election-${spaces++}/`);
  });

  it('is won by one candidate after the other, in the order of coming', async () => {
    await using one = await Session.open(client);
    await using two = await Session.open(client);
    const first = await new Election(one, 'e').campaign('a');
    expect((await new Election(two, 'e').leader())?.string()).toBe('a');
    const next = new Election(two, 'e').campaign('b');
    await lineOf(client, 'e/', 2);
    await first.resign();
    await using second = await next;
    expect(second.token).toBeGreaterThan(first.token);
    const leader = await new Election(one, 'e').leader();
    expect(leader?.string()).toBe('b');
    expect(leader?.createRevision).toBe(second.token);
  });

  it('is observed: who leads, what they proclaim, and who follows', async () => {
    const left = new AbortController();
    await using watching = await Session.open(client);
    await using one = await Session.open(client);
    await using two = await Session.open(client);
    const { seen, ended } = observed(new Election(watching, 'e'), left.signal);
    const first = await new Election(one, 'e').campaign('a');
    await eventually('the first leader is seen', () => seen.length === 1);
    await first.proclaim('a again');
    await eventually('what it proclaims is seen', () => seen.length === 2);
    const next = new Election(two, 'e').campaign('b');
    await lineOf(client, 'e/', 2);
    await first.resign();
    await using second = await next;
    await eventually('the next leader is seen', () => seen.length === 3);
    await second.resign();
    await using _third = await new Election(one, 'e').campaign('c');
    await eventually('the last leader is seen', () => seen.length === 4);
    expect(seen).toEqual(['a', 'a again', 'b', 'c']);
    left.abort();
    await expect(ended).rejects.toMatchObject({ name: 'RecipeError', code: 'aborted' });
  });

  it('has no leader when nobody campaigns', async () => {
    await using session = await Session.open(client);
    const election = new Election(session, 'e');
    expect(await election.leader()).toBeUndefined();
    // Neighbours are not candidates.
    await client.put('e', 'x');
    await client.put('e0', 'x');
    expect(await election.leader()).toBeUndefined();
  });

  it('lets nobody proclaim who leads no more', async () => {
    await using session = await Session.open(client);
    const leadership = await new Election(session, 'e').campaign('a');
    await client.delete(leadership.key);
    await expect(leadership.proclaim('b')).rejects.toMatchObject({ code: 'evicted' });
    expect(leadership.signal.aborted).toBe(true);
    const again = await new Election(session, 'e').campaign('c');
    await again.resign();
    await expect(again.proclaim('d')).rejects.toMatchObject({ code: 'released' });
    expect(await keysBelow(client, 'e/')).toEqual([]);
  });

  it('leaves no key behind when a candidate gives up', async () => {
    await using one = await Session.open(client);
    await using two = await Session.open(client);
    await using leadership = await new Election(one, 'e').campaign('a');
    const patience = new AbortController();
    const campaign = new Election(two, 'e').campaign('b', { signal: patience.signal });
    const failed = expect(campaign).rejects.toMatchObject({ code: 'aborted' });
    await lineOf(client, 'e/', 2);
    patience.abort();
    await failed;
    expect(await keysBelow(client, 'e/')).toEqual([leadership.key]);
  });
});

describeMembers('an election', (start) => {
  it('goes on after the server was killed and started again', async () => {
    await using member = await start();
    const target = new Target([member.endpoint]);
    const client = target.connect();
    try {
      await using one = await Session.open(client, { ttlSeconds: 20 });
      await using two = await Session.open(client, { ttlSeconds: 20 });
      const left = new AbortController();
      const { seen } = observed(new Election(two, 'e'), left.signal);
      const first = await new Election(one, 'e').campaign('a');
      const next = new Election(two, 'e').campaign('b');
      await lineOf(client, 'e/', 2);
      await eventually('the leader is seen', () => seen.length === 1);
      await member.kill();
      const proclaimed = first.proclaim('a again');
      await member.restart();
      await proclaimed;
      await first.resign();
      await using _second = await next;
      await eventually('the next leader is seen', () => seen.at(-1) === 'b', 20_000);
      left.abort();
    } finally {
      target.close();
    }
  });
});
