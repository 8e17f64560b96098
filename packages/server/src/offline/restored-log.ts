import { type ConfChange, type ConfState, emptyConfState, encodeConfChange } from '@kvorum/raft';
import { type Disk, Wal, type WalRecord } from '@kvorum/wal';
import {
  encodeEntry,
  encodeHardState,
  encodeWalMetadata,
  encodeWalSnapshot,
} from '../codec/raft-records.ts';
import { memberToJson } from '../membership/cluster.ts';
import type { RestoredCluster } from './restored-cluster.ts';

/** The term in which the members were made: the first election is for the next. */
export const RESTORED_TERM = 1;

/** The membership changes that make a cluster, in the order of their entries: the first has index 1. */
export function foundingChanges({ members }: RestoredCluster): ConfChange[] {
  return members.map((member) => {
    const context = Buffer.from(memberToJson(member));
    return { id: 0n, type: 'addNode', nodeId: member.id, context };
  });
}

/** The membership behind those changes. */
export function foundedConfState({ members }: RestoredCluster): ConfState {
  return { ...emptyConfState, voters: members.map(({ id }) => id) };
}

/**
 * Makes the write-ahead log of a restored member, durably: as etcdutl's, it has one entry a member, all of them
 * committed, and a snapshot behind them.
 */
export function createRestoredLog(
  disk: Disk,
  dir: string,
  cluster: RestoredCluster,
  segmentBytes?: number,
): void {
  const metadata = encodeWalMetadata(cluster.memberId, cluster.clusterId);
  const sized = segmentBytes === undefined ? {} : { segmentBytes };
  const wal = Wal.create({ disk, dir, metadata, ...sized });
  try {
    const entries = foundingChanges(cluster).map((change, i): WalRecord => {
      const index = i + 1;
      const data = encodeConfChange(change);
      const entry = encodeEntry({ type: 'confChange', term: RESTORED_TERM, index, data });
      return { type: 'entry', index, data: entry };
    });
    const index = entries.length;
    const vote = cluster.members[0]?.id ?? 0n;
    wal.append([
      ...entries,
      { type: 'state', data: encodeHardState({ term: RESTORED_TERM, vote, commit: index }) },
      {
        type: 'snapshot',
        index,
        data: encodeWalSnapshot(index, RESTORED_TERM, foundedConfState(cluster)),
      },
    ]);
    wal.syncNow();
  } finally {
    wal.close();
  }
}
