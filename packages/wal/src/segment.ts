import type { Disk } from './disk.ts';
import { WalError } from './errors.ts';

/**
 * Nominal size of a segment in bytes, etcd's: the log is cut once a batch has reached or passed it.
 */
export const DEFAULT_SEGMENT_BYTES = 64_000_000;

/** One file of the log. */
export interface Segment {
  /** Position in the chain, from 0, without gaps. */
  readonly sequence: number;
  /**
   * One more than the index of the last entry before this file. After entries were replaced it may be lower
   * than in the file before.
   */
  readonly index: number;
  /** File name: `<sequence>-<index>.wal`, each in 16 hexadecimal digits. */
  readonly name: string;
}

const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

/** The segment that continues the chain as number `sequence`, to be filled with entries from `index`. */
export function makeSegment(sequence: number, index: number): Segment {
  return { sequence, index, name: `${hex16(sequence)}-${hex16(index)}.wal` };
}

/** Sixteen hexadecimal digits. */
export function hex16(value: number): string {
  return value.toString(16).padStart(16, '0');
}

/** All segments in a folder by sequence; other names are ignored, as etcd does. */
export function listSegments(disk: Disk, dir: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of disk.list(dir)) {
    const match = NAME.exec(name);
    if (match === null) continue;
    const sequence = Number.parseInt(match[1] ?? '', 16);
    const index = Number.parseInt(match[2] ?? '', 16);
    if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(index)) {
      throw new WalError('corrupt', `segment name out of range: ${name}`, {
        file: `${dir}/${name}`,
      });
    }
    segments.push({ sequence, index, name });
  }
  return segments.sort((a, b) => a.sequence - b.sequence);
}

/**
 * Position of the segment to start reading from, to get every entry after `index`: the last whose first index
 * is not above `index`. From the back, because a later segment with a low index replaces what earlier ones
 * say. -1 if all begin after it.
 */
export function positionOf(segments: readonly Segment[], index: number): number {
  return segments.findLastIndex((segment) => segment.index <= index);
}

/** Throws `WalError` "corrupt" when a file of the chain is missing. */
export function checkChain(dir: string, segments: readonly Segment[]): void {
  for (let i = 1; i < segments.length; i++) {
    const before = segments[i - 1] as Segment;
    const segment = segments[i] as Segment;
    if (segment.sequence === before.sequence + 1) continue;
    const text = `segment ${before.sequence + 1} is missing between ${before.name} and ${segment.name}`;
    throw new WalError('corrupt', `${dir}: ${text}`, { file: `${dir}/${segment.name}` });
  }
}
