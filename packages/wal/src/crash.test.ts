import { describe, expect, it } from 'vitest';
import type { WalRecord } from './record.ts';
import { Prng } from './testing/prng.ts';
import { entryOf, payloadOf, snapshotOf, stateOf } from './testing/records.ts';
import { SimDisk } from './testing/sim-disk.ts';
import { type OpenedWal, Wal } from './wal.ts';

const DIR = 'data/wal';
const SEGMENT_BYTES = 4096;
const OPERATIONS = 2000;
const METADATA = Uint8Array.of(8, 1, 16, 2);
const KEPT = [0, 0.1, 0.5, 0.9, 1];

/** What the log was told, to hold against what a crash leaves of it. Records carry serial numbers from 1. */
interface Told {
  created: boolean;
  /** Serial of the last record appended, and of the last that a finished sync covers. */
  appended: number;
  synced: number;
  released: number;
  /** Serial of the first entry above `released`. */
  firstNeeded: number;
  /** Serials of the state records. */
  states: number[];
}

function serialBytes(serial: number, size: number): Uint8Array {
  const bytes = new Uint8Array(4 + size).fill(serial & 255, 4);
  new DataView(bytes.buffer).setUint32(0, serial);
  return bytes;
}

function serialOf(record: WalRecord): number {
  const data = record.type === 'entry' ? payloadOf(record.data) : record.data;
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}

function openLog(disk: SimDisk, snapshotIndex: number): OpenedWal {
  return Wal.open({ disk, dir: DIR, segmentBytes: SEGMENT_BYTES, snapshotIndex });
}

/** Opens what a crash left and checks it: a prefix of what was told, with all that was synced. */
function check(disk: SimDisk, told: Told): void {
  if (!Wal.exists(disk, DIR)) {
    expect(told.created).toBe(false);
    return;
  }
  const opened = openLog(disk, told.released);
  let last = 0;
  for (const [i, record] of opened.records.entries()) {
    if (record.type === 'snapshot') continue;
    const serial = serialOf(record);
    // A segment begins with the latest state of the one before.
    if (record.type === 'state' && (i === 0 || serial <= last)) continue;
    if (last === 0) expect(serial).toBeLessThanOrEqual(told.firstNeeded);
    else if (serial !== last + 1) expect(serial).toBe(last + 1);
    const data = record.type === 'entry' ? payloadOf(record.data) : record.data;
    if (data.some((byte, i) => i > 3 && byte !== (serial & 255))) expect.fail('bytes differ');
    last = serial;
  }
  expect(last).toBeGreaterThanOrEqual(told.synced);
  expect(last).toBeLessThanOrEqual(told.appended);
  const state = opened.state === null ? undefined : serialOf({ type: 'state', data: opened.state });
  expect(state).toBe(told.states.findLast((serial) => serial <= last));
  if (last % 4 !== 0) {
    opened.wal.close();
    return;
  }
  // The log goes on where it ended.
  opened.wal.append([entryOf(opened.lastIndex + 1, serialBytes(last + 1, 600))]);
  opened.wal.close();
  const again = openLog(disk, told.released);
  expect(again.torn).toBeNull();
  expect(serialOf(again.records.findLast((record) => record.type === 'entry') as WalRecord)).toBe(
    last + 1,
  );
  again.wal.close();
}

/** Runs a trace of operations on a disk, with a crash tried after each change on the disk. */
async function run(seed: number): Promise<number> {
  const prng = new Prng(seed);
  const disk = new SimDisk({ seed });
  disk.mkdir('data');
  disk.syncDir('');
  const told: Told = {
    created: false,
    appended: 0,
    synced: 0,
    released: 0,
    firstNeeded: 1,
    states: [],
  };
  let crashes = 0;
  disk.onBoundary = (boundary) => {
    const options = { unsyncedKept: KEPT[prng.below(KEPT.length)] as number };
    const crashed = disk.crashClone(prng.next(), options);
    crashes++;
    if (boundary.number % 8 === 0 && Wal.exists(crashed, DIR)) {
      // A second crash while the first is repaired and its end written over.
      crashed.onBoundary = () => {
        crashes++;
        check(crashed.crashClone(prng.next(), options), told);
      };
      const { wal, records } = openLog(crashed, told.released);
      crashed.onBoundary = null;
      const serials = records.map((record) => (record.type === 'snapshot' ? 0 : serialOf(record)));
      const serial = Math.max(0, ...serials) + 1;
      wal.append([entryOf(wal.lastIndex + 1, serialBytes(serial, 1000))]);
      const states = told.states.filter((state) => state < serial);
      check(crashed.crashClone(prng.next(), options), { ...told, states, appended: serial });
      wal.close();
      crashes += 2;
      return;
    }
    check(crashed, told);
  };
  const wal = Wal.create({ disk, dir: DIR, metadata: METADATA, segmentBytes: SEGMENT_BYTES });
  told.created = true;
  /** Index and serial of the entries that count; a lower index replaces what follows. */
  const entries: { index: number; serial: number }[] = [];
  let inFlight: { done: Promise<void>; covers: number } | null = null;
  const settle = async (): Promise<void> => {
    if (inFlight === null) return;
    await inFlight.done;
    told.synced = Math.max(told.synced, inFlight.covers);
    inFlight = null;
  };
  for (let operation = 0; operation < OPERATIONS; operation++) {
    const choice = prng.below(20);
    if (choice < 9) {
      const records: WalRecord[] = [];
      let serial = told.appended;
      for (let n = prng.below(4); n >= 0; n--) {
        serial++;
        if (prng.chance(0.2)) {
          records.push(stateOf(serialBytes(serial, prng.below(30))));
          told.states.push(serial);
          continue;
        }
        const last = entries.at(-1)?.index ?? told.released;
        const back = prng.chance(0.1) ? Math.min(prng.below(4), last - told.released) : 0;
        const index = last + 1 - back;
        while ((entries.at(-1)?.index ?? 0) >= index) entries.pop();
        entries.push({ index, serial });
        // Mostly small; sometimes over several sectors.
        const size = prng.chance(0.1) ? prng.below(1500) : prng.below(80);
        records.push(entryOf(index, serialBytes(serial, size)));
      }
      told.appended = serial;
      wal.append(records);
    } else if (choice < 12) {
      await settle();
      wal.syncNow();
      told.synced = told.appended;
    } else if (choice < 14) {
      await settle();
      inFlight = { done: wal.sync(), covers: told.appended };
    } else if (choice < 15) {
      await settle();
    } else if (choice < 19) {
      wal.prepareNext(1024);
    } else if (entries.length > 30) {
      await settle();
      const released = entries[entries.length - 20] as { index: number; serial: number };
      wal.append([snapshotOf(released.index)]);
      wal.syncNow();
      told.synced = told.appended;
      while ((entries[0]?.index ?? Infinity) <= released.index) entries.shift();
      told.released = released.index;
      told.firstNeeded = entries[0]?.serial ?? told.appended + 1;
      wal.release(released.index);
    }
  }
  await settle();
  wal.close();
  return crashes;
}

describe('a crash at any point', () => {
  for (const seed of [1, 2]) {
    it(`leaves a prefix that holds all that was synced (seed ${seed})`, async () => {
      expect(await run(seed)).toBeGreaterThan(OPERATIONS);
    });
  }
});
