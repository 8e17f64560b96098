import type { EntryRecord, SnapshotRecord, StateRecord } from '../record.ts';

/** An entry record around `payload`, encoded as a raftpb.Entry of term 1. */
export function entryOf(index: number, payload: Uint8Array): EntryRecord {
  const head = [0x08, 0, 0x10, 1, 0x18, ...varint(index), 0x22, ...varint(payload.length)];
  const data = new Uint8Array(head.length + payload.length);
  data.set(head);
  data.set(payload, head.length);
  return { type: 'entry', index, data };
}

/** The payload that `entryOf` was given. */
export function payloadOf(data: Uint8Array): Uint8Array {
  let at = 5;
  while ((data[at++] as number) >= 0x80);
  at++;
  while ((data[at++] as number) >= 0x80);
  return data.subarray(at);
}

/** A state record. The log does not look into it. */
export function stateOf(payload: Uint8Array): StateRecord {
  return { type: 'state', data: payload };
}

/** A snapshot record, encoded as a walpb.Snapshot of term 1. */
export function snapshotOf(index: number): SnapshotRecord {
  return { type: 'snapshot', index, data: Uint8Array.of(0x08, ...varint(index), 0x10, 1) };
}

/** Unsigned, least significant seven bits first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}
