// etcd's snapshot files (etcd: server/etcdserver/api/snap/snapshotter.go): `<term>-<index>.snap`, both in 16
// hexadecimal digits, holding the protobuf message
//
//   | 08 crc (varint) | 12 size (varint), data |            snappb.snapshot; crc is the CRC-32C of data alone

import { crc32c } from '../crc32c.ts';
import type { Disk } from '../disk.ts';
import { causeText, WalError } from '../errors.ts';
import { hex16 } from '../segment.ts';

/** Which snapshot to save, where, and what is in it. */
export interface SnapshotFile {
  readonly disk: Disk;
  /** Folder of the files; made if absent. */
  readonly dir: string;
  readonly term: number;
  readonly index: number;
  /** An encoded raftpb.Snapshot; not empty. Borrowed for the call. */
  readonly data: Uint8Array;
}

/** A snapshot that was read back. */
export interface LoadedSnapshot {
  readonly term: number;
  readonly index: number;
  readonly data: Uint8Array;
  /** Path of the file. */
  readonly file: string;
}

const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.snap$/;

/**
 * Writes a snapshot file; durable, name included, on return. All or nothing: readers never see half of one.
 * Returns its path.
 *
 * Throws `WalError` "io".
 */
export function saveSnapshot(snapshot: SnapshotFile): string {
  const { disk, dir, data } = snapshot;
  const path = `${dir}/${hex16(snapshot.term)}-${hex16(snapshot.index)}.snap`;
  const tmp = `${path}.tmp`;
  try {
    disk.mkdir(dir);
    const file = disk.open(tmp, { create: true });
    try {
      const head = Uint8Array.of(0x08, ...varint(crc32c(0, data)), 0x12, ...varint(data.length));
      file.truncate(0);
      file.write(head, 0);
      file.write(data, head.length);
      file.syncNow();
    } finally {
      file.close();
    }
    disk.rename(tmp, path);
    disk.syncDir(dir);
  } catch (cause) {
    throw new WalError('io', `${path}: cannot save: ${causeText(cause)}`, { file: path, cause });
  }
  return path;
}

/**
 * Reads the newest snapshot in a folder that is sound and that `accept` takes (default: any). Files that are not
 * sound are named in `onBroken` and, unless `leaveBroken`, renamed to `<name>.broken`, as etcd does; null if none is
 * left.
 *
 * Throws `WalError` "io".
 */
export function loadNewestSnapshot(options: {
  readonly disk: Disk;
  readonly dir: string;
  readonly accept?: (term: number, index: number) => boolean;
  readonly onBroken?: (file: string, reason: string) => void;
  /** Changes nothing in the folder. Default false. */
  readonly leaveBroken?: boolean;
}): LoadedSnapshot | null {
  const { disk, dir } = options;
  try {
    if (!disk.exists(dir)) return null;
    for (const name of disk.list(dir).reverse()) {
      const match = NAME.exec(name);
      if (match === null) continue;
      const term = Number.parseInt(match[1] ?? '', 16);
      const index = Number.parseInt(match[2] ?? '', 16);
      if (options.accept !== undefined && !options.accept(term, index)) continue;
      const file = `${dir}/${name}`;
      const read = decode(readAll(disk, file));
      if (typeof read !== 'string') return { term, index, data: read, file };
      if (options.leaveBroken !== true) disk.rename(file, `${file}.broken`);
      options.onBroken?.(file, read);
    }
    return null;
  } catch (cause) {
    throw new WalError('io', `${dir}: cannot load a snapshot: ${causeText(cause)}`, { cause });
  }
}

function readAll(disk: Disk, path: string): Uint8Array {
  const file = disk.open(path);
  try {
    const bytes = new Uint8Array(file.size());
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    file.close();
  }
}

/** The data, or what is wrong with the file. */
function decode(bytes: Uint8Array): Uint8Array | string {
  if (bytes.length === 0) return 'empty file';
  if (bytes[0] !== 0x08) return 'not a snapshot';
  const crc = readVarint(bytes, 1);
  if (bytes[crc.end] !== 0x12) return 'not a snapshot';
  const size = readVarint(bytes, crc.end + 1);
  const data = bytes.subarray(size.end);
  if (data.length === 0) return 'empty snapshot';
  if (data.length !== size.value) return 'wrong length';
  if (crc32c(0, data) !== crc.value) return 'checksum mismatch';
  return data;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** A varint cut short or too long ends where the caller's next check fails. */
function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let at = start;
  for (let scale = 1; at < bytes.length && scale <= 2 ** 42; scale *= 128) {
    const byte = bytes[at++] as number;
    value += (byte & 127) * scale;
    if (byte < 0x80) break;
  }
  return { value, end: at };
}
