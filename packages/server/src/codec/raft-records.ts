import type { ConfState, Entry, HardState } from '@kvorum/raft';
import { ProtoReader } from './proto-reader.ts';
import { ProtoWriter } from './proto-writer.ts';

/**
 * The raftpb messages that the write-ahead log holds, in etcd's encoding: proto2 with every scalar written, zero or
 * not, as etcd's members write them.
 */

const ENTRY_TYPES = ['normal', 'confChange', 'confChangeV2'] as const;
const writer = new ProtoWriter(65_536);

/** raftpb.Entry {Type=1, Term=2, Index=3, Data=4}. The result is the caller's. */
export function encodeEntry(entry: Entry): Buffer {
  writer.tag(0x08).uint(entry.type === 'normal' ? 0 : ENTRY_TYPES.indexOf(entry.type));
  writer.tag(0x10).uint(entry.term).tag(0x18).uint(entry.index);
  if (entry.data.length > 0) writer.bytes(0x22, entry.data);
  return writer.take();
}

/** Throws `ProtoError` when the bytes are not an entry. `data` is a view into them. */
export function decodeEntry(bytes: Uint8Array): Entry {
  const reader = new ProtoReader(bytes);
  let type: Entry['type'] = 'normal';
  let term = 0;
  let index = 0;
  let data: Uint8Array = new Uint8Array(0);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) type = ENTRY_TYPES[reader.enumValue()] ?? 'normal';
    else if (field === 2) term = reader.int64Number();
    else if (field === 3) index = reader.int64Number();
    else if (field === 4) data = reader.bytes();
    else reader.skip();
  }
  return { type, term, index, data };
}

/** raftpb.HardState {term=1, vote=2, commit=3}. */
export function encodeHardState(state: HardState): Buffer {
  writer.tag(0x08).uint(state.term).tag(0x10).int64(state.vote);
  return writer.tag(0x18).uint(state.commit).take();
}

export function decodeHardState(bytes: Uint8Array): HardState {
  const reader = new ProtoReader(bytes);
  let term = 0;
  let vote = 0n;
  let commit = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) term = reader.int64Number();
    else if (field === 2) vote = BigInt.asUintN(64, reader.int64());
    else if (field === 3) commit = reader.int64Number();
    else reader.skip();
  }
  return { term, vote, commit };
}

/** etcdserverpb.Metadata {NodeID=1, ClusterID=2}: the first record of every segment. */
export function encodeWalMetadata(memberId: bigint, clusterId: bigint): Buffer {
  return writer.tag(0x08).int64(memberId).tag(0x10).int64(clusterId).take();
}

export function decodeWalMetadata(bytes: Uint8Array): { memberId: bigint; clusterId: bigint } {
  const reader = new ProtoReader(bytes);
  let memberId = 0n;
  let clusterId = 0n;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) memberId = BigInt.asUintN(64, reader.int64());
    else if (field === 2) clusterId = BigInt.asUintN(64, reader.int64());
    else reader.skip();
  }
  return { memberId, clusterId };
}

/** walpb.Snapshot {index=1, term=2, conf_state=3}. */
export function encodeWalSnapshot(
  index: number,
  term: number,
  confState: ConfState,
  received = false,
): Buffer {
  const conf = encodeConfState(confState);
  writer.tag(0x08).uint(index).tag(0x10).uint(term).bytes(0x1a, conf);
  if (received) writer.tag(0x78).uint(1);
  return writer.take();
}

/** `received` is a field of ours, 15: the state came from a leader, and what the log held before is void. */
export function decodeWalSnapshot(bytes: Uint8Array): {
  index: number;
  term: number;
  received: boolean;
} {
  const reader = new ProtoReader(bytes);
  let index = 0;
  let term = 0;
  let received = false;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) index = reader.int64Number();
    else if (field === 2) term = reader.int64Number();
    else if (field === 15) received = reader.bool();
    else reader.skip();
  }
  return { index, term, received };
}

/** raftpb.ConfState {voters=1, learners=2, voters_outgoing=3, learners_next=4, auto_leave=5}, unpacked lists. */
export function encodeConfState(state: ConfState): Buffer {
  const out = new ProtoWriter(128);
  for (const id of state.voters) out.tag(0x08).int64(id);
  for (const id of state.learners) out.tag(0x10).int64(id);
  for (const id of state.votersOutgoing) out.tag(0x18).int64(id);
  for (const id of state.learnersNext) out.tag(0x20).int64(id);
  return out
    .tag(0x28)
    .uint(state.autoLeave ? 1 : 0)
    .take();
}

export function decodeConfState(bytes: Uint8Array): ConfState {
  const lists: [bigint[], bigint[], bigint[], bigint[]] = [[], [], [], []];
  let autoLeave = false;
  const reader = new ProtoReader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    const list = lists[field - 1];
    if (list !== undefined) readIds(reader, list);
    else if (field === 5) autoLeave = reader.bool();
    else reader.skip();
  }
  const [voters, learners, votersOutgoing, learnersNext] = lists;
  return { voters, learners, votersOutgoing, learnersNext, autoLeave };
}

/** Ids come packed or one by one; both are valid wire forms of a repeated field. */
function readIds(reader: ProtoReader, into: bigint[]): void {
  if (reader.wireType === 0) {
    into.push(BigInt.asUintN(64, reader.int64()));
    return;
  }
  const packed = reader.bytes();
  const inner = new ProtoReader(packed);
  while (inner.pos < packed.length) into.push(BigInt.asUintN(64, inner.int64()));
}
