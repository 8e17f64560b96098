import { describe, expect, it } from 'vitest';
import { WalError } from './errors.ts';
import type { WalRecord } from './record.ts';
import { Prng } from './testing/prng.ts';
import { entryOf, stateOf } from './testing/records.ts';
import { SimDisk } from './testing/sim-disk.ts';
import { Wal } from './wal.ts';

const DIR = 'wal';
const SEGMENT_BYTES = 2048;
const ROUNDS = 3000;

/** A log of three segments. */
function makeLog(): SimDisk {
  const disk = new SimDisk();
  const wal = Wal.create({
    disk,
    dir: DIR,
    metadata: Uint8Array.of(8, 1),
    segmentBytes: SEGMENT_BYTES,
  });
  for (let index = 1; index <= 40; index++) {
    wal.append([
      entryOf(index, new Uint8Array(index * 6).fill(index)),
      stateOf(Uint8Array.of(8, index)),
    ]);
  }
  wal.close();
  return disk;
}

/** Changes bytes of a file at random: flips, runs of zeros, noise, copies, cuts and extensions. */
function mutate(disk: SimDisk, path: string, prng: Prng): void {
  const file = disk.open(path, { write: true });
  const size = file.size();
  for (let n = 1 + prng.below(3); n > 0; n--) {
    const at = prng.below(size);
    const length = 1 + prng.below(prng.chance(0.5) ? 8 : 900);
    switch (prng.below(6)) {
      case 0:
        file.write(Uint8Array.of(1 << prng.below(8)), at);
        break;
      case 1:
        file.write(new Uint8Array(length), at);
        break;
      case 2:
        file.write(prng.bytes(length), at);
        break;
      case 3:
        file.write(disk.contentOf(path).slice(prng.below(size)).subarray(0, length), at);
        break;
      case 4:
        file.truncate(at);
        break;
      default:
        // Frame heads are where absurd lengths come from.
        file.write(prng.bytes(8), at - (at % 8));
    }
  }
  file.close();
}

describe('open, given mutated files', () => {
  it('refuses with WalError or opens a log that goes on, and invents nothing', () => {
    const sound = makeLog();
    const written = readAll(sound.crashClone(0, { unsyncedKept: 1 }));
    const prng = new Prng(7);
    let opened = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const disk = sound.crashClone(round, { unsyncedKept: 1 });
      const names = disk.list(DIR);
      mutate(disk, `${DIR}/${names[prng.below(names.length)] ?? ''}`, prng);
      let records: string[];
      try {
        records = readAll(disk);
      } catch (error) {
        if (!(error instanceof WalError)) throw error;
        expect(error.code).toBe('corrupt');
        continue;
      }
      opened++;
      expect(records).toEqual(written.slice(0, records.length));
      // What was cut off stays off.
      expect(readAll(disk)).toEqual(records);
    }
    expect(opened).toBeGreaterThan(50);
    expect(opened).toBeLessThan(ROUNDS);
  });
});

function readAll(disk: SimDisk): string[] {
  const { wal, records } = Wal.open({ disk, dir: DIR, segmentBytes: SEGMENT_BYTES });
  wal.close();
  return records.map(
    (record: WalRecord) => `${record.type} ${Buffer.from(record.data).toString('hex')}`,
  );
}
