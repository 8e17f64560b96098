import { etcdServices } from '@kvorum/api';
import type { GrpcMethod, GrpcService } from '@kvorum/h2';
import type { Lessor, Store, WatchHub } from '@kvorum/mvcc';
import type { Disk } from '@kvorum/wal';
import type { Alarms } from '../apply/alarms.ts';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Logger } from '../logging/logger.ts';
import type { Cluster } from '../membership/cluster.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { Proposer } from '../proposer.ts';
import type { SnapshotSource } from '../snapshot/etcd-snapshot.ts';
import { clusterMethods } from './cluster.ts';
import { MemberHeaders } from './headers.ts';
import { healthMethods } from './health.ts';
import { KvService } from './kv.ts';
import { LeaseService } from './lease.ts';
import { MaintenanceService, type RaftStatus } from './maintenance.ts';
import type { OpenStreams } from './open-streams.ts';
import { reflectionMethods } from './reflection.ts';
import { snapshotMethod } from './snapshot.ts';
import { watchMethod } from './watch.ts';

/** What the services of a member are made of. */
export interface ServiceParts {
  readonly config: ServerConfig;
  readonly memberId: bigint;
  /** Another one after a state was received. */
  readonly storage: { readonly store: Store };
  readonly cluster: Cluster;
  readonly alarms: Alarms;
  readonly lessor: Lessor;
  readonly hub: WatchHub;
  readonly loop: NodeLoop;
  readonly proposer: Proposer;
  readonly streams: OpenStreams;
  readonly clock: Clock;
  readonly random: () => number;
  readonly disk: Disk;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly term: () => number;
  readonly raftStatus: () => RaftStatus;
  readonly snapshotSource: () => SnapshotSource;
}

/** Responses this much larger than the largest request are split for watchers that asked for it, as in etcd. */
const FRAGMENT_OVERHEAD_BYTES = 512 * 1024;

/** Every gRPC method of a member by path. */
export function memberServices(parts: ServiceParts): GrpcService {
  const { storage, cluster, alarms, lessor, hub, loop, proposer, streams } = parts;
  const { clock, random, disk, logger, metrics, raftStatus } = parts;
  const { maxTxnOps, maxRequestBytes, quotaBackendBytes, watchProgressNotifyIntervalMs, dataDir } =
    parts.config;
  const revision = () => storage.store.revision;
  const headers = new MemberHeaders(cluster.id, parts.memberId, parts.term, revision);
  const storeBytes = () => {
    const total = storage.store.engine.sizeBytes();
    return { total, inUse: total };
  };
  const methods: [string, GrpcMethod][] = [
    ...new KvService({
      get store() {
        return storage.store;
      },
      loop,
      proposer,
      headers,
      maxTxnOps,
      maxRequestBytes,
      metrics,
    }).methods(),
    ...new LeaseService({
      get store() {
        return storage.store;
      },
      lessor,
      proposer,
      headers,
      streams,
    }).methods(),
    ...new MaintenanceService({
      get store() {
        return storage.store;
      },
      proposer,
      alarms,
      cluster,
      headers,
      storeBytes,
      quotaBytes: quotaBackendBytes,
      raftStatus,
    }).methods(),
    ...clusterMethods({ cluster, loop, headers }),
    ...healthMethods(streams),
    ...reflectionMethods(etcdServices),
    snapshotMethod({
      disk,
      dir: `${dataDir}/member/snap`,
      clock,
      logger,
      source: parts.snapshotSource,
      onDone: (durationMs) => metrics.disk.backendSnapshotSeconds.observe(durationMs / 1000),
    }),
    watchMethod({
      get store() {
        return storage.store;
      },
      hub,
      headers,
      clock,
      random,
      progressNotifyIntervalMs: watchProgressNotifyIntervalMs,
      fragmentBytes: maxRequestBytes + FRAGMENT_OVERHEAD_BYTES,
      metrics,
      streams,
    }),
  ];
  return new Map(methods);
}
