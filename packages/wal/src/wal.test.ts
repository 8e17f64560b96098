import { describe, expect, it } from 'vitest';
import { InvariantError } from './invariant.ts';
import { makeSegment, positionOf } from './segment.ts';
import { entryOf, snapshotOf, stateOf } from './testing/records.ts';
import { SimDisk, type SimDiskOptions } from './testing/sim-disk.ts';
import { readWal, Wal } from './wal.ts';

const DIR = 'wal';
const SEGMENT_BYTES = 1024;

function create(options: SimDiskOptions = {}): { disk: SimDisk; wal: Wal } {
  const disk = new SimDisk(options);
  const wal = Wal.create({
    disk,
    dir: DIR,
    metadata: Uint8Array.of(1),
    segmentBytes: SEGMENT_BYTES,
  });
  return { disk, wal };
}

function entry(index: number, size = 100): ReturnType<typeof entryOf> {
  return entryOf(index, new Uint8Array(size).fill(index));
}

/** A gate that syncs wait at until it is opened. */
function makeGate(): { wait: () => Promise<void>; open: () => void } {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait: () => gate, open };
}

describe('a sync on a pool thread', () => {
  it('covers what was appended before it, and not what came meanwhile', async () => {
    const gate = makeGate();
    const { disk, wal } = create({ syncDelay: gate.wait });
    wal.append([entry(1)]);
    const done = wal.sync();
    wal.append([entry(2)]);
    gate.open();
    await done;
    expect(wal.unsyncedBytes).toBe(128);
    expect(readWal({ disk: disk.crashClone(1, { unsyncedKept: 0 }), dir: DIR }).lastIndex).toBe(1);
  });

  it('puts off the cut of a full segment until it ends', async () => {
    const gate = makeGate();
    const { wal } = create({ syncDelay: gate.wait });
    wal.append([entry(1)]);
    const done = wal.sync();
    wal.append([entry(2, 1500)]);
    wal.append([entry(3)]);
    expect(wal.segments.length).toBe(1);
    gate.open();
    await done;
    expect(wal.segments.map((segment) => segment.index)).toEqual([0, 4]);
    expect(wal.unsyncedBytes).toBe(0);
  });

  it('is alone: a second one, in place or not, a cut and closing are bugs', async () => {
    const gate = makeGate();
    const { wal } = create({ syncDelay: gate.wait });
    wal.append([entry(1)]);
    const done = wal.sync();
    await expect(wal.sync()).rejects.toThrow(InvariantError);
    expect(() => wal.syncNow()).toThrow('one sync at a time');
    expect(() => wal.cut()).toThrow('no cut during a sync');
    expect(() => wal.close()).toThrow('no close during a sync');
    gate.open();
    await done;
    wal.close();
  });

  it('breaks the log when it fails, for every later call', async () => {
    const { disk, wal } = create();
    wal.append([entry(1)]);
    disk.failNext('sync');
    await expect(wal.sync()).rejects.toMatchObject({ code: 'broken' });
    expect(() => wal.append([entry(2)])).toThrow('cannot be used any more');
    await expect(wal.sync()).rejects.toMatchObject({ code: 'broken' });
    wal.close();
    // The lock is free; what the disk kept is found out by opening.
    const again = Wal.open({ disk, dir: DIR, segmentBytes: SEGMENT_BYTES });
    expect(again.lastIndex).toBeLessThanOrEqual(1);
    again.wal.close();
  });
});

describe('the next segment', () => {
  it('is made anew when its sync runs at the moment of the cut', async () => {
    const gate = makeGate();
    const { disk, wal } = create({ syncDelay: gate.wait });
    wal.prepareNext(SEGMENT_BYTES);
    disk.failNext('sync', { path: '0.tmp', skip: 1 });
    // The cut's own sync of the new file comes first; the older one then fails, on a file nobody uses.
    wal.cut();
    wal.append([entry(1, 900)]);
    gate.open();
    // The older sync ends in a few microtasks.
    for (let i = 0; i < 10; i++) await Promise.resolve();
    wal.syncNow();
    expect(readWal({ disk: disk.crashClone(1, { unsyncedKept: 0 }), dir: DIR }).lastIndex).toBe(1);
  });

  it('never shows what a file of its name held before', () => {
    const { disk, wal } = create();
    const stale = disk.open(`${DIR}/0.tmp`, { create: true });
    stale.write(new Uint8Array(900).fill(7), 0);
    wal.cut();
    wal.close();
    expect(readWal({ disk, dir: DIR }).torn).toBeNull();
  });
});

describe('append', () => {
  it('refuses an index that its data does not hold', () => {
    const { wal } = create();
    expect(() => wal.append([{ ...entry(3), index: 4 }])).toThrow(InvariantError);
    expect(() => wal.append([{ ...snapshotOf(3), index: 4 }])).toThrow(InvariantError);
  });

  it('copies: the caller may reuse its bytes at once', () => {
    const { disk, wal } = create();
    const state = stateOf(Uint8Array.of(1, 2, 3));
    wal.append([state]);
    state.data.fill(9);
    wal.cut();
    wal.close();
    expect(readWal({ disk, dir: DIR }).records.filter((record) => record.type === 'state')).toEqual(
      [stateOf(Uint8Array.of(1, 2, 3)), stateOf(Uint8Array.of(1, 2, 3))],
    );
  });

  it('lets a snapshot record ahead of the log move the next segment on', () => {
    const { wal } = create();
    wal.append([snapshotOf(500)]);
    wal.cut();
    expect(wal.lastIndex).toBe(500);
    expect(wal.segments.at(-1)?.index).toBe(501);
    expect(wal.release(501)).toBe(1);
  });
});

describe('the segment to read from', () => {
  const segments = [makeSegment(0, 0), makeSegment(1, 11), makeSegment(2, 6), makeSegment(3, 20)];

  it.each([
    [0, 0],
    [5, 0],
    // Entries from 6 on were replaced in segment 2.
    [6, 2],
    [11, 2],
    [19, 2],
    [20, 3],
  ])('for index %i is number %i', (index, position) => {
    expect(positionOf(segments, index)).toBe(position);
  });

  it('is none when all begin later', () => {
    expect(positionOf(segments.slice(1), 3)).toBe(-1);
  });
});
