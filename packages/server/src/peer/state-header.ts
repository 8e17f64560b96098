import { type MemberId, type Message, newMessage, type SnapshotMetadata } from '@kvorum/raft';
import { ProtoReader } from '../codec/proto-reader.ts';
import { ProtoWriter } from '../codec/proto-writer.ts';
import { decodeConfState, encodeConfState } from '../codec/raft-records.ts';

/*
 * A state between members: a stream of its own on a connection of its own.
 *
 *   sender                                       receiver
 *   fields of the greeting, x-kvorum-state: name
 *                                                count of messages that it has of this state: 0, or where to go on
 *   0: term of the leader · index · term · membership
 *   1…: chunks (snapshot/state-stream.ts)
 *                                                count, after each that was written
 *   half-close
 *                                                OK, when all of it is on disk and raft has been told
 */

/** Names a state, so that a stream that broke off can be taken up. */
export const STATE_FIELD = 'x-kvorum-state';

const writer = new ProtoWriter(256);

export function encodeStateHeader(leaderTerm: number, metadata: SnapshotMetadata): Uint8Array {
  const { index, term, confState } = metadata;
  return writer.uint(leaderTerm).uint(index).uint(term).raw(encodeConfState(confState)).take();
}

/** The MsgSnap that the header of a state stands for. Throws `ProtoError`. */
export function decodeStateHeader(bytes: Uint8Array, from: MemberId, to: MemberId): Message {
  const reader = new ProtoReader(bytes);
  const message = newMessage('MsgSnap', to);
  message.from = from;
  message.term = reader.uint();
  const index = reader.uint();
  const term = reader.uint();
  const confState = decodeConfState(bytes.subarray(reader.pos));
  message.snapshot = { metadata: { index, term, confState }, data: new Uint8Array(0) };
  return message;
}

export function encodeCount(count: number): Uint8Array {
  return writer.uint(count).take();
}

export function decodeCount(bytes: Uint8Array): number {
  return new ProtoReader(bytes).uint();
}
