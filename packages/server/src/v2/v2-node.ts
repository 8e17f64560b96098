import { isFixed } from './key-path.ts';

/** What is known of a file or a directory beside a file's value. */
export interface V2Node {
  /** A text of bytes. */
  readonly path: string;
  readonly isDir: boolean;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  /** Nanoseconds since 1970; undefined for one that stays. */
  readonly expirationNs: bigint | undefined;
}

/** A directory that is always there; undefined for any other path. */
export function fixedNode(path: string): V2Node | undefined {
  if (!isFixed(path)) return undefined;
  return { path, isDir: true, createdIndex: 0, modifiedIndex: 0, expirationNs: undefined };
}

/*
 * Rows of the store's `meta` column that hold what the v2 API keeps beside the values of files.
 *
 *   v2/index              the v2 index (8, BE)
 *   v2/node/DIR//NAME     a node; no path holds two slashes in a row, so the children of a directory are neighbours
 *   v2/ttlPATH            the expiration (8, BE, signed) of a node that has one, to be read when a member opens
 *   v2/admin/PATH         the value of a file that isn't for clients
 *   v2/event/SLOT         an event of the history
 *
 *   node  flags (1; 1: directory, 2: expires) · created index (8, BE) · modified index (8) · expiration (8, signed)
 */
const NODE_PREFIX = 'v2/node';
const FLAG_DIR = 1;
const FLAG_EXPIRES = 2;
const NODE_BYTES = 25;

export const INDEX_ROW = Buffer.from('v2/index');

export function nodeRowKey(path: string): Buffer {
  const slash = path.lastIndexOf('/');
  return Buffer.from(`${NODE_PREFIX}${path.slice(0, slash)}//${path.slice(slash + 1)}`, 'latin1');
}

/** What the keys of the rows of a directory's children begin with. */
export function childrenPrefix(directory: string): Buffer {
  return Buffer.from(`${NODE_PREFIX}${directory}//`, 'latin1');
}

/** What the keys of the rows of all that is below a directory begin with. */
export function subtreePrefix(directory: string): Buffer {
  return Buffer.from(`${NODE_PREFIX}${directory}/`, 'latin1');
}

const TTL_PREFIX = 'v2/ttl';

/** Begins the keys of the rows of all expirations. */
export const ALL_EXPIRATIONS = `${TTL_PREFIX}/`;

export function expirationRowKey(path: string): Buffer {
  return Buffer.from(TTL_PREFIX + path, 'latin1');
}

/** The path in the key of an expiration's row. */
export function pathOfExpirationRow(name: string): string {
  return name.slice(TTL_PREFIX.length);
}

export function encodeExpiration(ns: bigint): Buffer {
  const row = Buffer.alloc(8);
  row.writeBigInt64BE(ns);
  return row;
}

export function decodeExpiration(row: Uint8Array): bigint {
  return Buffer.from(row.buffer, row.byteOffset, row.length).readBigInt64BE();
}

/** The path in the key of a node's row. */
export function pathOfRow(key: Uint8Array): string {
  const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
  return text.slice(NODE_PREFIX.length).replace('//', '/');
}

/** Whether name and value of a row are those of a node. */
export function isNodeRow(name: string, value: Uint8Array): boolean {
  return /^v2\/node(\/[^/]+)*\/\/[^/]+$/s.test(name) && value.length === NODE_BYTES;
}

export function adminRowKey(path: string): Buffer {
  return Buffer.from(`v2/admin${path}`, 'latin1');
}

export function encodeNode(node: V2Node): Buffer {
  const row = Buffer.alloc(NODE_BYTES);
  const expires = node.expirationNs === undefined ? 0 : FLAG_EXPIRES;
  row[0] = (node.isDir ? FLAG_DIR : 0) | expires;
  row.writeBigUInt64BE(BigInt(node.createdIndex), 1);
  row.writeBigUInt64BE(BigInt(node.modifiedIndex), 9);
  row.writeBigInt64BE(node.expirationNs ?? 0n, 17);
  return row;
}

export function decodeNode(path: string, bytes: Uint8Array): V2Node {
  const row = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = row.readUInt8(0);
  return {
    path,
    isDir: (flags & FLAG_DIR) !== 0,
    createdIndex: Number(row.readBigUInt64BE(1)),
    modifiedIndex: Number(row.readBigUInt64BE(9)),
    expirationNs: (flags & FLAG_EXPIRES) === 0 ? undefined : row.readBigInt64BE(17),
  };
}
