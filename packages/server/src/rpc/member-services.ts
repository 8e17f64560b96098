import { etcdServices } from '@kvorum/api';
import type { GrpcMethod, GrpcService } from '@kvorum/h2';
import type { Lessor, Store, WatchHub } from '@kvorum/mvcc';
import type { Disk } from '@kvorum/wal';
import type { Alarms } from '../apply/alarms.ts';
import type { MemberAuth } from '../auth/member-auth.ts';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Leadership } from '../leadership.ts';
import type { Logger } from '../logging/logger.ts';
import type { Cluster } from '../membership/cluster.ts';
import { Downgrades } from '../membership/downgrades.ts';
import { Reconfiguration } from '../membership/reconfiguration.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { PeerCalls, PeerMethods } from '../peer/peer-calls.ts';
import type { Proposer } from '../proposer.ts';
import type { SnapshotSource } from '../snapshot/etcd-snapshot.ts';
import { AuthService } from './auth.ts';
import { forKnownCallers } from './auth-gate.ts';
import { ClusterService } from './cluster.ts';
import { Coordination } from './coordination.ts';
import { ElectionService } from './election.ts';
import { MemberHeaders } from './headers.ts';
import { healthMethods } from './health.ts';
import { KvService } from './kv.ts';
import { LeaderCalls } from './leader-calls.ts';
import { refusedByLearners } from './learner-gate.ts';
import { LeaseService } from './lease.ts';
import { LockService } from './lock.ts';
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
  readonly auth: MemberAuth;
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
  readonly reconfiguration: Reconfiguration;
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
    requireLeader.wrap(
      refusedByLearners(path, forKnownCallers(method, parts.auth.access), parts.isLearner),
    ),
  ]);
  const peerMethods = leader.methods();
  return { methods: new Map(gated), peerMethods, requireLeader, reconfiguration };
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

function downgradesOf({ cluster, proposer, logger, loop }: ServiceParts): Downgrades {
  const catchUp = () => new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
  return new Downgrades({ cluster, proposer, logger, catchUp });
}

function leaderCallsOf(parts: ServiceParts, reconfiguration: Reconfiguration): LeaderCalls {
  const { memberId, lessor, proposer, clock, peers, leadership, leads } = parts;
  return new LeaderCalls({
    memberId,
    lessor,
    proposer,
    reconfiguration,
    access: parts.auth.access,
    attached: { leaseKeys: (id) => parts.storage.store.leaseKeys(id) },
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
  const revision = () => parts.storage.store.revision;
  const headers = new MemberHeaders(parts.cluster.id, parts.memberId, parts.term, revision);
  const methods = memberMethods(parts, reconfiguration, leader, headers);
  return [...methods, ...coordinationMethods(parts, headers, new Map(methods))];
}

/** What is done by means of other methods, for callers who have no recipes of their own. */
function coordinationMethods(
  parts: ServiceParts,
  headers: MemberHeaders,
  methods: GrpcService,
): [string, GrpcMethod][] {
  const { clock, random, streams, requestTimeoutMs: timeoutMs } = parts;
  const coordination = new Coordination({ methods, clock, random, streams, timeoutMs });
  return [
    ...new LockService(coordination, headers).methods(),
    ...new ElectionService(coordination, headers).methods(),
  ];
}

function memberMethods(
  parts: ServiceParts,
  reconfiguration: Reconfiguration,
  leader: LeaderCalls,
  headers: MemberHeaders,
): [string, GrpcMethod][] {
  const { storage, cluster, alarms, lessor, hub, loop, proposer, streams } = parts;
  const { clock, random, disk, logger, metrics, raftStatus } = parts;
  const { access } = parts.auth;
  const { maxTxnOps, maxRequestBytes, quotaBackendBytes, watchProgressNotifyIntervalMs, dataDir } =
    parts.config;
  const revision = () => storage.store.revision;
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
      access,
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
      access,
      headers,
      streams,
      leader,
    }).methods(),
    ...new MaintenanceService({
      get store() {
        return storage.store;
      },
      proposer,
      access,
      alarms,
      cluster,
      headers,
      storeBytes,
      quotaBytes: quotaBackendBytes,
      raftStatus,
      isLearner: parts.isLearner,
      leadership: parts.leadership,
      downgrades: downgradesOf(parts),
      timeoutMs: parts.requestTimeoutMs,
    }).methods(),
    ...new ClusterService({ cluster, loop, headers, reconfiguration, leader, access }).methods(),
    ...new AuthService({ auth: parts.auth, loop, proposer, headers, revision }).methods(),
    ...healthMethods(streams),
    ...reflectionMethods(etcdServices),
    snapshotMethod({
      disk,
      dir: `${dataDir}/member/snap`,
      clock,
      logger,
      access,
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
      access,
    }),
  ];
}
