import type { MemberId, Message, SnapshotMetadata } from '@kvorum/raft';
import type { IncomingState } from '../storage.ts';
import type { PeerMethods } from './peer-calls.ts';

/** Where a member is to be found, for the others. */
export interface PeerAddressInfo {
  readonly id: MemberId;
  readonly peerUrls: readonly string[];
}

/** The member behind a peer transport. */
export interface PeerHost {
  readonly memberId: MemberId;
  readonly clusterId: bigint;
  /** All members that this one knows of, itself among them. */
  members(): readonly PeerAddressInfo[];
  isRemoved(id: MemberId): boolean;
  /** Takes a message of another member. */
  step(message: Message): void;
  reportUnreachable(id: MemberId): void;
  /** Nobody listens where the member was, and it has no connection to this one any more: its process has ended. */
  reportGone(id: MemberId): void;
  reportSnapshot(id: MemberId, outcome: 'finish' | 'failure'): void;
  /** The whole state of this moment, and what it stands for. */
  stateToSend(): { metadata: SnapshotMetadata; chunks: AsyncGenerator<Uint8Array> };
  /** Begins to receive a state. */
  receiveState(): Promise<IncomingState>;
  /** What other members may ask this one. */
  readonly methods: PeerMethods;
  /** Another member says that this one was removed from the cluster. */
  onRemoved(): void;
  /** Something durable failed, or a bug showed: the member must end. */
  onFailure(error: unknown): void;
}
