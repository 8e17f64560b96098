import type { TornTail } from './chain.ts';
import type { SegmentReader } from './decoder.ts';
import type { DiskFile } from './disk.ts';
import { WalError } from './errors.ts';
import { SECTOR_SIZE } from './record.ts';

/** Bytes looked through, or zeroed, at a time. */
const STEP_SIZE = 256 * 1024;

/** The end of the last segment. */
export interface Tail {
  /** Where the next frame goes. */
  readonly offset: number;
  /** Where the last byte that is not zero ends; above `offset` only behind a crash. */
  readonly dirtyEnd: number;
  readonly torn: TornTail | null;
}

/**
 * Tells how the last segment ends, after `reader` has read to its end or to damage.
 *
 * A crash may lose any of the sectors written since the last sync and keep others. What was lost is still zero
 * (files are allocated as zeros, and `zeroTail` restores that), so an interrupted append shows as a frame
 * with a missing sector, or as a head of zeros with something behind it. Anything else is corruption, and
 * throws `WalError` "corrupt": cutting it off might drop entries that a quorum relies on.
 */
export function findTail(reader: SegmentReader, file: DiskFile, path: string): Tail {
  const damage = reader.damage;
  const offset = reader.end;
  if (damage !== null && (!damage.unfinished || offset === 0)) {
    throw new WalError('corrupt', `${path}: offset ${offset}: ${damage.reason}`, {
      file: path,
      offset,
    });
  }
  const dirtyEnd = findDirtyEnd(file, offset, reader.size);
  if (damage !== null)
    return { offset, dirtyEnd, torn: { file: path, offset, reason: damage.reason } };
  if (dirtyEnd === offset) return { offset, dirtyEnd, torn: null };

  const sectorEnd = offset - (offset % SECTOR_SIZE) + SECTOR_SIZE;
  if (!isZero(file, offset, Math.min(sectorEnd, reader.size))) {
    const reason = 'a frame head of zeros, but data behind it in the same sector';
    throw new WalError('corrupt', `${path}: offset ${offset}: ${reason}`, { file: path, offset });
  }
  return { offset, dirtyEnd, torn: { file: path, offset, reason: 'record without a beginning' } };
}

/**
 * Overwrites what a crash left behind the sound records with zeros and syncs, so that bytes of the past never
 * show between records of the future.
 */
export function zeroTail(file: DiskFile, tail: Tail): void {
  if (tail.dirtyEnd <= tail.offset) return;
  const zeros = new Uint8Array(Math.min(STEP_SIZE, tail.dirtyEnd - tail.offset));
  // From the back: should this be interrupted too, the frame at `offset` remains the damaged one.
  for (let end = tail.dirtyEnd; end > tail.offset; ) {
    const start = Math.max(tail.offset, end - zeros.length);
    file.write(zeros.subarray(0, end - start), start);
    end = start;
  }
  file.syncNow();
}

/** One past the last byte in [from, size) that is not zero; `from` if there is none. */
function findDirtyEnd(file: DiskFile, from: number, size: number): number {
  const block = Buffer.allocUnsafe(STEP_SIZE);
  const zeros = Buffer.alloc(STEP_SIZE);
  let dirtyEnd = from;
  for (let start = from; start < size; start += STEP_SIZE) {
    const part = block.subarray(0, Math.min(STEP_SIZE, size - start));
    const got = file.read(part, start);
    if (part.subarray(0, got).equals(zeros.subarray(0, got))) continue;
    let at = got - 1;
    while (part[at] === 0) at--;
    dirtyEnd = start + at + 1;
  }
  return dirtyEnd;
}

function isZero(file: DiskFile, from: number, to: number): boolean {
  return findDirtyEnd(file, from, to) === from;
}
