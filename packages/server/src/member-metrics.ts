import type { Lessor, WatchHub } from '@kvorum/mvcc';
import { alarmName } from './apply/alarms.ts';
import type { ServerConfig } from './config/server-config.ts';
import type { MemberCore } from './member-core.ts';
import { formatId } from './membership/ids.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { OpenRaftLog } from './raft-log.ts';

/** Fills in, at each scrape, what costs nothing to keep but something to know. */
export function connectMetrics(
  metrics: Metrics,
  parts: {
    core: MemberCore;
    hub: WatchHub;
    lessor: Lessor;
    log: OpenRaftLog;
    config: ServerConfig;
  },
): void {
  const { core, hub, lessor, log, config } = parts;
  metrics.server.serverId = formatId(core.memberId);
  metrics.server.quotaBackendBytes = config.quotaBackendBytes;
  let counting = false;
  // Counting may take a while the first time: a scrape shows what the one before has found.
  const countKeys = () => {
    if (counting) return;
    counting = true;
    const everything = new Uint8Array(1);
    core.store
      .rangeAsync({ key: everything, rangeEnd: everything, countOnly: true })
      .then(({ count }) => {
        metrics.mvcc.keyCount = count;
      })
      .catch(() => {
        // The member is closing; the number stays what it was.
      })
      .finally(() => {
        counting = false;
      });
  };
  metrics.onCollect(() => {
    const raft = core.raftStatus();
    const { server, mvcc } = metrics;
    server.hasLeader = raft.leader === 0n ? 0 : 1;
    server.isLeader = raft.leader === core.memberId ? 1 : 0;
    server.isLearner = core.isLearner ? 1 : 0;
    server.clusterVersion = core.cluster.version ?? '';
    server.proposalsCommitted = raft.committedIndex;
    server.proposalsApplied = raft.appliedIndex;
    server.proposalsPending = core.loop.pendingProposals;
    server.alarms = core.alarms.list(0).map(({ memberId, alarm }) => ({
      serverId: formatId(memberId),
      alarmType: alarmName(alarm),
    }));
    const size = core.store.engine.sizeBytes();
    mvcc.dbTotalSizeBytes = size;
    mvcc.dbInUseSizeBytes = size;
    mvcc.currentRevision = core.store.revision;
    mvcc.compactRevision = core.store.compactRevision;
    countKeys();
    metrics.disk.walWriteBytes = log.writtenBytes;
    const watch = hub.metrics;
    mvcc.watchers = watch.watchers;
    mvcc.slowWatchers = watch.slowWatchers;
    mvcc.eventsTotal = watch.eventsTotal;
    mvcc.pendingEvents = watch.pendingEvents;
    const leases = lessor.metrics;
    mvcc.leaseGrantedTotal = leases.grantedTotal;
    mvcc.leaseRevokedTotal = leases.revokedTotal;
    mvcc.leaseRenewedTotal = leases.renewedTotal;
    mvcc.leaseExpiredTotal = leases.expiredTotal;
  });
}
