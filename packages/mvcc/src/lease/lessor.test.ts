import { describe, expect, it } from 'vitest';
import { keyBytesOf } from '../key-text.ts';
import type { StoreEvent } from '../store-event.ts';
import { MAX_LEASE_TTL_SECONDS } from './lessor.ts';
import { LeaseMember } from './testing/lease-member.ts';

interface Setup {
  readonly clock: { ms: number };
  readonly member: LeaseMember;
}

/** A member that is primary, at time 0. */
function setup(options?: ConstructorParameters<typeof LeaseMember>[1]): Setup {
  const clock = { ms: 0 };
  const member = new LeaseMember(clock, options);
  member.lessor.promote(0);
  return { clock, member };
}

describe('granting', () => {
  it.each([
    [10, 10],
    [2, 2],
    [1, 2],
    [0, 2],
    [-5, 2],
    [MAX_LEASE_TTL_SECONDS, MAX_LEASE_TTL_SECONDS],
  ])('%i seconds gives %i', (asked, granted) => {
    const { member } = setup();
    expect(member.grant(1n, asked)).toBe(granted);
    expect(member.lessor.timeToLive(1n)).toEqual({
      remainingSeconds: granted,
      grantedSeconds: granted,
    });
  });

  it('refuses a TTL that is too large and an id that is in use', () => {
    const { member } = setup();
    expect(() => member.grant(1n, MAX_LEASE_TTL_SECONDS + 1)).toThrow(
      expect.objectContaining({ code: 'ttlTooLarge' }),
    );
    const other = setup().member;
    other.grant(1n, 10);
    expect(() => other.grant(1n, 10)).toThrow(expect.objectContaining({ code: 'exists' }));
  });

  it('takes ids of 63 bits', () => {
    const { member } = setup();
    const ids = [1n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    for (const id of ids) member.grant(id, 10);
    const reopened = member.openLessor();
    for (const id of ids) expect(reopened.has(id)).toBe(true);
    expect(reopened.has(2n ** 53n)).toBe(false);
  });
});

describe('revoking', () => {
  it('deletes the attached keys in byte order, in one revision, with their events', () => {
    const { member } = setup();
    member.grant(1n, 10);
    for (const key of ['b', 'a', '\xff', 'c']) member.put(key, 1n);
    member.put('other', 0n);
    member.put('c', 0n);
    const seen: StoreEvent[] = [];
    member.store.onCommit((events) => seen.push(...events));
    const before = member.store.revision;
    expect(member.revoke(1n)).toBe(3);
    expect(member.store.revision).toBe(before + 1);
    expect(seen.map((event) => [event.keyText, event.main, event.sub, event.deleted])).toEqual([
      ['a', before + 1, 0, true],
      ['b', before + 1, 1, true],
      ['\xff', before + 1, 2, true],
    ]);
    expect(member.lessor.has(1n)).toBe(false);
    expect(member.openLessor().has(1n)).toBe(false);
    expect(member.store.get('c')).toBeDefined();
  });

  it('leaves the revision alone when no key is attached', () => {
    const { member } = setup();
    member.grant(1n, 10);
    const before = member.store.revision;
    expect(member.revoke(1n)).toBe(0);
    expect(member.store.revision).toBe(before);
  });

  it('sees what the same batch attached and detached before', () => {
    const { member } = setup();
    member.apply((batch) => {
      member.lessor.grant(batch, 1n, 10);
      const txn = batch.begin();
      for (const key of ['a', 'b', 'c']) txn.put(keyBytesOf(key), keyBytesOf(''), 1n);
      txn.deleteRange(keyBytesOf('b'), new Uint8Array(0));
      txn.end();
      expect(member.lessor.revoke(batch, 1n)).toBe(2);
      expect(member.lessor.has(1n)).toBe(false);
    });
    expect(member.store.revision).toBe(3);
    expect(member.store.get('a')).toBeUndefined();
  });

  it('refuses a lease that is not there', () => {
    const { member } = setup();
    expect(() => member.revoke(1n)).toThrow(expect.objectContaining({ code: 'notFound' }));
  });
});

describe('attached keys', () => {
  it('move with the last put, and leave with a deletion', () => {
    const { member } = setup();
    member.grant(1n, 10);
    member.grant(2n, 10);
    for (const key of ['a', 'b', 'c']) member.put(key, 1n);
    member.put('b', 2n);
    member.put('c', 0n);
    expect(member.keysOf(1n)).toEqual(['a']);
    expect(member.keysOf(2n)).toEqual(['b']);
    member.apply((batch) => {
      const txn = batch.begin();
      txn.deleteRange(keyBytesOf('a'), keyBytesOf('z'));
      txn.end();
    });
    expect(member.keysOf(1n)).toEqual([]);
    expect(member.keysOf(2n)).toEqual([]);
  });
});

describe('time', () => {
  it('counts down in whole seconds, rounded down', () => {
    const { clock, member } = setup();
    member.grant(1n, 10);
    clock.ms = 1;
    expect(member.lessor.timeToLive(1n)?.remainingSeconds).toBe(9);
    clock.ms = 9_999;
    expect(member.lessor.timeToLive(1n)?.remainingSeconds).toBe(0);
    clock.ms = 10_000;
    expect(member.lessor.timeToLive(1n)).toBeUndefined();
  });

  it('is over exactly when the TTL has passed since the last renewal', () => {
    const { clock, member } = setup();
    member.grant(1n, 10);
    clock.ms = 9_999;
    expect(member.lessor.renew(1n)).toEqual({ ttlSeconds: 10, needsReset: false });
    clock.ms = 19_998;
    expect(member.lessor.expired(100)).toEqual([]);
    clock.ms = 19_999;
    expect(member.lessor.renew(1n)).toBeUndefined();
    expect(member.lessor.expired(100)).toEqual([1n]);
    expect(member.lessor.renew(1n)).toBeUndefined();
    expect(member.lessor.has(1n)).toBe(true);
  });

  it('knows nothing of a lease that is not there', () => {
    const { member } = setup();
    expect(member.lessor.renew(7n)).toBeUndefined();
    expect(member.lessor.timeToLive(7n)).toBeUndefined();
  });

  it('lists the lease that expires next first, and by id where it does not know', () => {
    const { clock, member } = setup();
    member.grant(1n, 30);
    member.grant(2n, 10);
    member.grant(3n, 20);
    expect(member.lessor.list()).toEqual([2n, 3n, 1n]);
    clock.ms = 5000;
    member.lessor.renew(2n);
    expect(member.lessor.list()).toEqual([2n, 3n, 1n]);
    clock.ms = 9000;
    member.lessor.renew(3n);
    member.lessor.renew(2n);
    expect(member.lessor.list()).toEqual([2n, 3n, 1n]);
    member.lessor.demote();
    expect(member.lessor.list()).toEqual([1n, 2n, 3n]);
  });

  it('stands still where the member is not primary', () => {
    const { clock, member } = setup();
    member.grant(1n, 10);
    member.lessor.demote();
    clock.ms = 100_000;
    expect(member.lessor.expired(100)).toEqual([]);
    expect(member.lessor.checkpointsDue()).toEqual([]);
    expect(() => member.lessor.renew(1n)).toThrow(expect.objectContaining({ code: 'notPrimary' }));
    expect(() => member.lessor.timeToLive(1n)).toThrow('not a primary lessor');
  });
});

describe('expired leases', () => {
  it('are handed out again every 3 s until they are revoked', () => {
    const { clock, member } = setup();
    member.grant(1n, 2);
    clock.ms = 2000;
    expect(member.lessor.expired(100)).toEqual([1n]);
    clock.ms = 4999;
    expect(member.lessor.expired(100)).toEqual([]);
    clock.ms = 5000;
    expect(member.lessor.expired(100)).toEqual([1n]);
    member.revoke(1n);
    clock.ms = 60_000;
    expect(member.lessor.expired(100)).toEqual([]);
  });

  it('come in order, not more per call than asked for nor per second than allowed', () => {
    const { clock, member } = setup({ revokesPerSecond: 10 });
    for (let id = 1n; id <= 40n; id += 1n) member.grant(id, id > 20n ? 2 : 3);
    clock.ms = 3000;
    const handedOut: bigint[] = [];
    const take = (limit: number) => {
      const ids = member.lessor.expired(limit);
      handedOut.push(...ids);
      return ids.length;
    };
    expect([take(3), take(100), take(100)]).toEqual([3, 2, 0]);
    clock.ms = 3100;
    expect(take(100)).toBe(1);
    for (let ms = 3600; ms <= 5600; ms += 500) {
      clock.ms = ms;
      expect(take(100)).toBe(5);
    }
    expect(new Set(handedOut).size).toBe(31);
    expect(handedOut.slice(0, 20).every((id) => id > 20n)).toBe(true);
    expect(member.lessor.metrics.expiredTotal).toBe(31);
  });
});

describe('a change of leaders', () => {
  it('gives every lease its whole TTL and the extension', () => {
    const { clock, member } = setup();
    member.grant(1n, 10);
    clock.ms = 9_000;
    member.lessor.promote(1000);
    clock.ms = 19_999;
    expect(member.lessor.expired(100)).toEqual([]);
    clock.ms = 20_000;
    expect(member.lessor.expired(100)).toEqual([1n]);
  });

  it('does not lengthen a lease by more than the extension once it has a checkpoint', () => {
    const { clock, member } = setup();
    member.grant(1n, 10);
    clock.ms = 6_000;
    for (const { id, remainingSeconds } of member.lessor.checkpointsDue()) {
      member.checkpoint(id, remainingSeconds);
    }
    const reopened = member.openLessor();
    reopened.promote(1000);
    clock.ms = 10_999;
    expect(reopened.expired(100)).toEqual([]);
    clock.ms = 11_000;
    expect(reopened.expired(100)).toEqual([1n]);
  });

  it('spreads leases that would expire at once to three quarters of the revoke rate', () => {
    const { clock, member } = setup({ revokesPerSecond: 8 });
    for (let id = 1n; id <= 15n; id += 1n) member.grant(id, 10);
    member.lessor.promote(0);
    const alive = () => member.lessor.list().filter((id) => member.lessor.timeToLive(id)).length;
    const counts = [9_999, 10_000, 11_000, 12_000].map((ms) => {
      clock.ms = ms;
      return alive();
    });
    expect(counts).toEqual([15, 9, 3, 0]);
  });
});

describe('checkpoints', () => {
  it('are due when nobody renewed for 40 % of the TTL, then every 10 %', () => {
    const { clock, member } = setup();
    member.grant(1n, 100);
    const due = (ms: number) => {
      clock.ms = ms;
      return member.lessor.checkpointsDue().map((checkpoint) => checkpoint.remainingSeconds);
    };
    expect(due(39_999)).toEqual([]);
    expect(due(40_000)).toEqual([60]);
    expect(due(49_999)).toEqual([]);
    expect(due(50_000)).toEqual([50]);
    member.lessor.renew(1n);
    expect(due(89_999)).toEqual([]);
    expect(due(90_000)).toEqual([60]);
  });

  it('come at most once a second, rounded up to whole seconds, and not for expired leases', () => {
    const { clock, member } = setup();
    member.grant(1n, 3);
    clock.ms = 1_201;
    expect(member.lessor.checkpointsDue()).toEqual([{ id: 1n, remainingSeconds: 2 }]);
    clock.ms = 2_200;
    expect(member.lessor.checkpointsDue()).toEqual([]);
    clock.ms = 2_201;
    expect(member.lessor.checkpointsDue()).toEqual([{ id: 1n, remainingSeconds: 1 }]);
    clock.ms = 9_000;
    expect(member.lessor.checkpointsDue()).toEqual([]);
  });

  it('come in portions', () => {
    const { clock, member } = setup();
    for (let id = 1n; id <= 5n; id += 1n) member.grant(id, 10);
    clock.ms = 5_000;
    expect(member.lessor.checkpointsDue(2)).toHaveLength(2);
    expect(member.lessor.checkpointsDue(2)).toHaveLength(2);
    expect(member.lessor.checkpointsDue(2)).toHaveLength(1);
  });

  it('must be taken back by a renewal, from when they are handed out', () => {
    const { clock, member } = setup();
    member.grant(1n, 10);
    clock.ms = 5_000;
    const [checkpoint] = member.lessor.checkpointsDue();
    expect(checkpoint).toEqual({ id: 1n, remainingSeconds: 5 });
    expect(member.lessor.renew(1n)?.needsReset).toBe(true);
    member.checkpoint(1n, 5);
    expect(member.lessor.renew(1n)?.needsReset).toBe(true);
    member.checkpoint(1n, 0);
    expect(member.lessor.renew(1n)?.needsReset).toBe(false);
  });

  it('of a leader that stops cover all leases, and survive a restart', () => {
    const { clock, member } = setup();
    member.grant(1n, 100);
    member.grant(2n, 100);
    clock.ms = 20_500;
    member.lessor.renew(2n);
    const all = member.lessor.checkpointAll();
    expect(all).toEqual([{ id: 1n, remainingSeconds: 80 }]);
    for (const { id, remainingSeconds } of all) member.checkpoint(id, remainingSeconds);
    clock.ms = 1_000_000;
    const reopened = member.openLessor();
    reopened.promote(0);
    expect(reopened.timeToLive(1n)).toEqual({ remainingSeconds: 80, grantedSeconds: 100 });
    expect(reopened.timeToLive(2n)).toEqual({ remainingSeconds: 100, grantedSeconds: 100 });
    expect(reopened.renew(1n)).toEqual({ ttlSeconds: 100, needsReset: true });
  });

  it('of a lease that is gone do nothing, and of one that is there stay within its TTL', () => {
    const { member } = setup();
    member.checkpoint(9n, 5);
    expect(member.openLessor().size).toBe(0);
    member.grant(1n, 10);
    member.checkpoint(1n, 50);
    member.lessor.promote(0);
    expect(member.lessor.timeToLive(1n)?.remainingSeconds).toBe(10);
  });
});

describe('opening', () => {
  it('reads the leases of another store when it takes over a snapshot', () => {
    const { member } = setup();
    const other = new LeaseMember();
    member.grant(1n, 10);
    other.grant(2n, 10);
    member.lessor.reload(other.store);
    expect(member.lessor.list()).toEqual([2n]);
    expect(member.lessor.isPrimary).toBe(false);
  });
});
