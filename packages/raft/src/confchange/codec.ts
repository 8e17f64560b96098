import { RaftError } from '../errors.ts';
import type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  ConfChangeV2,
  Entry,
} from '../types.ts';
import { noBytes } from '../types.ts';

/*
 * Membership changes as bytes of log entries, equal to raftpb's protobuf messages:
 *
 *     ConfChange    1: id varint   2: type varint   3: node_id varint   4: context bytes
 *     ConfChangeV2  1: transition varint   2: changes { 1: type varint  2: node_id varint }   3: context bytes
 *
 * Numbers are written even when they are zero, as etcd did up to 3.6; when reading, either form will do.
 */

const changeTypes: readonly ConfChangeType[] = [
  'addNode',
  'removeNode',
  'updateNode',
  'addLearnerNode',
];
const transitions: readonly ConfChangeTransition[] = ['auto', 'jointImplicit', 'jointExplicit'];

/** The data of a "confChange" entry. */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const out: number[] = [];
  putNumber(out, 1, change.id);
  putNumber(out, 2, BigInt(changeTypes.indexOf(change.type)));
  putNumber(out, 3, change.nodeId);
  if (change.context.length > 0) putBytes(out, 4, change.context);
  return Uint8Array.from(out);
}

/** The data of a "confChangeV2" entry. */
export function encodeConfChangeV2(change: ConfChangeV2): Uint8Array {
  const out: number[] = [];
  putNumber(out, 1, BigInt(transitions.indexOf(change.transition)));
  for (const single of change.changes) {
    const inner: number[] = [];
    putNumber(inner, 1, BigInt(changeTypes.indexOf(single.type)));
    putNumber(inner, 2, single.nodeId);
    putBytes(out, 2, Uint8Array.from(inner));
  }
  if (change.context.length > 0) putBytes(out, 3, change.context);
  return Uint8Array.from(out);
}

/**
 * The membership change in an entry of type "confChange" or "confChangeV2". Its `context` borrows the entry's bytes.
 * Throws `RaftError` "confChange" if the data is not one.
 */
export function decodeConfChange(entry: Entry): ConfChange | ConfChangeV2 {
  if (entry.type === 'confChange') return decodeV1(entry.data);
  if (entry.type === 'confChangeV2') return decodeV2(entry.data);
  throw malformed('the entry holds no membership change');
}

function decodeV1(data: Uint8Array): ConfChange {
  const change: ConfChange = { id: 0n, type: 'addNode', nodeId: 0n, context: noBytes };
  for (const { field, number, bytes } of fields(data)) {
    if (field === 1) change.id = number;
    else if (field === 2) change.type = named(changeTypes, number);
    else if (field === 3) change.nodeId = number;
    else if (field === 4) change.context = bytes;
  }
  return change;
}

function decodeV2(data: Uint8Array): ConfChangeV2 {
  const changes: ConfChangeSingle[] = [];
  const change: ConfChangeV2 = { transition: 'auto', changes, context: noBytes };
  for (const { field, number, bytes } of fields(data)) {
    if (field === 1) change.transition = named(transitions, number);
    else if (field === 2) changes.push(decodeSingle(bytes));
    else if (field === 3) change.context = bytes;
  }
  return change;
}

function decodeSingle(data: Uint8Array): ConfChangeSingle {
  const single: ConfChangeSingle = { type: 'addNode', nodeId: 0n };
  for (const { field, number } of fields(data)) {
    if (field === 1) single.type = named(changeTypes, number);
    else if (field === 2) single.nodeId = number;
  }
  return single;
}

interface Field {
  field: number;
  number: bigint;
  bytes: Uint8Array;
}

/** The fields of a protobuf message made of varints and length-delimited values. */
function fields(data: Uint8Array): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = data[at++];
      if (byte === undefined) throw malformed('it ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed('a number is longer than 64 bits');
  };
  while (at < data.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    const number = varint();
    if (wireType === 0) {
      found.push({ field: tag >>> 3, number, bytes: noBytes });
      continue;
    }
    const end = at + Number(number);
    if (wireType !== 2 || end > data.length) throw malformed('it ends within a field');
    found.push({ field: tag >>> 3, number: 0n, bytes: data.subarray(at, end) });
    at = end;
  }
  return found;
}

function named<T>(names: readonly T[], number: bigint): T {
  const name = names[Number(number)];
  if (name === undefined) throw malformed(`unknown kind ${number}`);
  return name;
}

function putVarint(out: number[], value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

function putNumber(out: number[], field: number, value: bigint): void {
  out.push(field << 3);
  putVarint(out, value);
}

function putBytes(out: number[], field: number, bytes: Uint8Array): void {
  out.push((field << 3) | 2);
  putVarint(out, BigInt(bytes.length));
  for (const byte of bytes) out.push(byte);
}

function malformed(text: string): RaftError {
  return new RaftError('confChange', `malformed membership change: ${text}`);
}
