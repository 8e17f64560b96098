// For users: a node, its configuration, and what goes in and out.

// For codecs and for those who apply entries: membership changes as bytes.
export { decodeConfChange, encodeConfChange, encodeConfChangeV2 } from './confchange/codec.ts';
export type { Config, Logger, ReadOnlyMode } from './config.ts';
export { RaftError, type RaftErrorCode } from './errors.ts';
export { InvariantError } from './invariant.ts';
// For implementers of Storage.
export { MemoryStorage } from './memory-storage.ts';
export { RawNode } from './raw-node.ts';
export { mustPersistFirst, type Ready } from './ready.ts';
export type { ProgressStatus, Status } from './status.ts';
export type { InitialState, Storage } from './storage.ts';
export type { ProgressState } from './tracker/progress.ts';
export {
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type ConfChangeV2,
  type ConfState,
  type Entry,
  type EntryType,
  emptyConfState,
  entryOverheadBytes,
  entrySize,
  type HardState,
  type MemberId,
  type Message,
  type MessageType,
  messageTypeNumbers,
  newMessage,
  noMember,
  type Proposal,
  type ReadState,
  type Role,
  type Snapshot,
  type SnapshotMetadata,
  type SoftState,
  sliceWithin,
} from './types.ts';
