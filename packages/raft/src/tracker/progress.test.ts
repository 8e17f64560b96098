import { describe, expect, it } from 'vitest';
import { Inflights } from './inflights.ts';
import { Progress } from './progress.ts';

function progress(match: number, next: number, maxMessages = 2): Progress {
  return new Progress(match, next, false, new Inflights(maxMessages, 100));
}

describe('inflights', () => {
  it('are full at the limit of messages or of bytes', () => {
    const byCount = new Inflights(2, 1_000);
    byCount.add(1, 10);
    expect(byCount.full).toBe(false);
    byCount.add(2, 10);
    expect(byCount.full).toBe(true);
    const byBytes = new Inflights(10, 100);
    byBytes.add(1, 100);
    expect(byBytes.full).toBe(true);
  });

  it('let one message through that is above the limit of bytes', () => {
    const inflights = new Inflights(10, 100);
    inflights.add(1, 5_000);
    expect(inflights.full).toBe(true);
    inflights.freeThrough(1);
    expect(inflights).toMatchObject({ count: 0, bytes: 0, full: false });
  });

  it('are freed in order, around the end of the ring and while it grows', () => {
    const inflights = new Inflights(50, Number.POSITIVE_INFINITY);
    let added = 0;
    let freed = 0;
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 3; i++) inflights.add(++added, 10);
      freed += 2;
      inflights.freeThrough(freed);
      expect(inflights.count).toBe(added - freed);
      expect(inflights.bytes).toBe(10 * (added - freed));
    }
  });
});

describe('the progress of a follower', () => {
  it('sends one message at a time as a probe', () => {
    const p = progress(0, 5);
    p.sent(3, 30);
    expect(p).toMatchObject({ next: 5, flowPaused: true });
  });

  it('runs ahead in replicate until the window is full', () => {
    const p = progress(4, 5);
    p.becomeReplicate();
    p.sent(2, 20);
    expect(p).toMatchObject({ next: 7, flowPaused: false });
    p.sent(1, 10);
    expect(p).toMatchObject({ next: 8, flowPaused: true });
  });

  it('ignores refusals of messages that were answered since', () => {
    const probe = progress(3, 9);
    expect(probe.maybeDecrease(5, 5)).toBe(false);
    expect(probe.maybeDecrease(8, 6)).toBe(true);
    expect(probe.next).toBe(7);
    const stream = progress(5, 9);
    stream.becomeReplicate();
    expect(stream.maybeDecrease(5, 2)).toBe(false);
    expect(stream.maybeDecrease(6, 2)).toBe(true);
    expect(stream.next).toBe(6);
  });

  it('does not begin a new stream for each message of the last one that came too early', () => {
    const p = progress(4, 5, 10);
    p.becomeReplicate();
    for (let i = 0; i < 4; i++) p.sent(1, 10);
    expect(p.maybeDecrease(5, 4)).toBe(true);
    expect(p).toMatchObject({ state: 'probe', next: 5 });
    p.sent(1, 10);
    p.maybeUpdate(5);
    p.becomeReplicate();
    for (let i = 0; i < 4; i++) p.sent(1, 10);
    expect(p.maybeDecrease(6, 5)).toBe(false);
    expect(p.maybeDecrease(7, 5)).toBe(false);
    expect(p.maybeDecrease(8, 5)).toBe(true);
  });

  it('never probes at or below what is known to be there', () => {
    const p = progress(3, 9);
    expect(p.maybeDecrease(8, 0)).toBe(true);
    expect(p.next).toBe(4);
  });

  it('goes on after the snapshot, or after match if it was not delivered', () => {
    const delivered = progress(3, 4);
    delivered.becomeSnapshot(10);
    expect(delivered.isPaused()).toBe(true);
    delivered.becomeProbe();
    expect(delivered.next).toBe(11);
    const failed = progress(3, 4);
    failed.becomeSnapshot(10);
    failed.pendingSnapshot = 0;
    failed.becomeProbe();
    expect(failed.next).toBe(4);
  });
});
