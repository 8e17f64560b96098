import { etcdServices } from '@kvorum/api';
import type { GrpcMethod, GrpcService } from '@kvorum/h2';
import type { Lessor, Store, WatchHub } from '@kvorum/mvcc';
import type { Disk } from '@kvorum/wal';
import type { Alarms } from '../apply/alarms.ts';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Leadership } from '../leadership.ts';
import type { Logger } from '../logging/logger.ts';
import type { Cluster } from '../membership/cluster.ts';
import { Reconfiguration } from '../membership/reconfiguration.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { PeerCalls, PeerMethods } from '../peer/peer-calls.ts';
import type { Proposer } from '../proposer.ts';
import type { SnapshotSource } from '../snapshot/etcd-snapshot.ts';
import { ClusterService } from './cluster.ts';
import { MemberHeaders } from './headers.ts';
import { healthMethods } from './health.ts';
import { KvService } from './kv.ts';
import { LeaderCalls } from './leader-calls.ts';
import { refusedByLearners } from './learner-gate.ts';
import { LeaseService } from './lease.ts';
import { MaintenanceService, type RaftStatus } from './maintenance.ts';
import type { OpenStreams } from './open-streams.ts';
import { reflectionMethods } from './reflection.ts';
import { RequireLeader } from './require-leader.ts';
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
  readonly isLearner: () => boolean;
  readonly leadership: Leadership;
  /** This member leads, and has applied what came before. */
  readonly leads: () => boolean;
  /** See `ReconfigurationOptions`. */
  readonly progressOf: (id: bigint) => number | undefined;
  readonly peers?: PeerCalls;
  /** How long a request may wait for its quorum, in ms. */
  readonly requestTimeoutMs: number;
  readonly snapshotSource: () => SnapshotSource;
}

/** Responses this much larger than the largest request are split for watchers that asked for it, as in etcd. */
const FRAGMENT_OVERHEAD_BYTES = 512 * 1024;

/** What a member serves. */
export interface MemberServices {
  /** Every gRPC method for clients, by path. */
  readonly methods: GrpcService;
  /** What other members may ask. */
  readonly peerMethods: PeerMethods;
  /** Looks after calls that want a leader; with each tick. */
  readonly requireLeader: RequireLeader;
}

export function memberServices(parts: ServiceParts): MemberServices {
  const reconfiguration = reconfigurationOf(parts);
  const leader = leaderCallsOf(parts, reconfiguration);
  const methods = clientMethods(parts, reconfiguration, leader);
  const requireLeader = new RequireLeader({
    hasLeader: () => parts.leadership.leader !== 0n,
    patienceMs: 3 * parts.config.electionTimeoutMs,
  });
  const gated = methods.map(([path, method]): [string, GrpcMethod] => [
    path,
    requireLeader.wrap(refusedByLearners(path, method, parts.isLearner)),
  ]);
  return { methods: new Map(gated), peerMethods: leader.methods(), requireLeader };
}

function reconfigurationOf(parts: ServiceParts): Reconfiguration {
  const { cluster, memberId, proposer, clock, config, peers, progressOf } = parts;
  return new Reconfiguration({
    cluster,
    memberId,
    proposer,
    clock,
    strict: config.strictReconfigCheck,
    activeForMs: (id) => peers?.activeForMs(id),
    timeoutMs: parts.requestTimeoutMs,
    progressOf,
  });
}

function leaderCallsOf(parts: ServiceParts, reconfiguration: Reconfiguration): LeaderCalls {
  const { memberId, lessor, proposer, clock, peers, leadership, leads } = parts;
  return new LeaderCalls({
    memberId,
    lessor,
    proposer,
    reconfiguration,
    clock,
    peers,
    leader: () => leadership.leader,
    leads,
    timeoutMs: parts.requestTimeoutMs,
  });
}

function clientMethods(
  parts: ServiceParts,
  reconfiguration: Reconfiguration,
  leader: LeaderCalls,
): [string, GrpcMethod][] {
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
  return [
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
      leader,
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
      isLearner: parts.isLearner,
      leadership: parts.leadership,
      timeoutMs: parts.requestTimeoutMs,
    }).methods(),
    ...new ClusterService({ cluster, loop, headers, reconfiguration, leader }).methods(),
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
}
