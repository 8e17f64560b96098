import type { GrpcService } from '@kvorum/h2';
import { Lessor, type Store, WatchHub } from '@kvorum/mvcc';
import { RawNode, type Snapshot, type SnapshotMetadata } from '@kvorum/raft';
import type { Disk } from '@kvorum/wal';
import { ALARM_NONE, Alarms } from './apply/alarms.ts';
import { Applier } from './apply/applier.ts';
import { listMeta } from './apply/meta-rows.ts';
import { StateMachine } from './apply/state-machine.ts';
import type { AuthTools } from './auth/auth-tools.ts';
import { MemberAuth } from './auth/member-auth.ts';
import type { Clock } from './clock.ts';
import { startCompactor } from './compactor/compactor.ts';
import type { ServerConfig } from './config/server-config.ts';
import type { EngineFolders } from './engine-folders.ts';
import { FirstElection } from './first-election.ts';
import { Leadership } from './leadership.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LogUpkeep } from './log-upkeep.ts';
import type { Logger } from './logging/logger.ts';
import { MemberEnd } from './member-end.ts';
import { connectMetrics } from './member-metrics.ts';
import { Cluster, memberToJson } from './membership/cluster.ts';
import { founderOf, foundersOf } from './membership/founders.ts';
import { formatId } from './membership/ids.ts';
import type { Metrics } from './metrics/metrics.ts';
import { NodeLoop, type Outbox } from './node-loop.ts';
import { peerHostOf } from './peer/member-host.ts';
import type { PeerCalls } from './peer/peer-calls.ts';
import type { PeerHost } from './peer/peer-host.ts';
import { Proposer } from './proposer.ts';
import { catchUp, publish } from './publish.ts';
import type { LogOwner } from './raft-log.ts';
import { raftLogger } from './raft-logger.ts';
import { RequestIds } from './request-ids.ts';
import type { RaftStatus } from './rpc/maintenance.ts';
import { type MemberServices, memberServices } from './rpc/member-services.ts';
import { OpenStreams } from './rpc/open-streams.ts';
import type { SnapshotSource } from './snapshot/etcd-snapshot.ts';
import { readState } from './snapshot/state-stream.ts';
import { MemberStats } from './stats/member-stats.ts';
import { type IncomingState, type OpenStorage, openStorage } from './storage.ts';
import type { ClientNames } from './tls/client-names.ts';
import { V2Pages } from './v2/http/v2-pages.ts';
import { V2Expiry } from './v2/v2-expiry.ts';
import { V2Store } from './v2/v2-store.ts';

/** What a member runs on. */
export interface CoreParts {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: () => number;
  readonly engines: EngineFolders;
  readonly auth: AuthTools;
  /** Where messages to other members go. */
  readonly outbox: Outbox;
  /** Members came, went, or moved: the way to them is to be found again. */
  readonly onMembershipChanged?: () => void;
  /** The way to other members for what is asked; default none. */
  readonly peers?: PeerCalls;
  /** Who the member is if it joins a cluster; it has no log yet then. Default: one of those that found one. */
  readonly joins?: LogOwner;
  /** Whose certificates clients have shown, where these say who a user is. */
  readonly clientNames?: ClientNames | undefined;
  /** Bytes of a segment of the log; etcd's size by default. */
  readonly walSegmentBytes?: number;
}

/** Time a request may wait for its quorum beside two election time-outs, as in etcd. */
const REQUEST_TIMEOUT_MS = 5000;
/**
 * Recent events kept for watchers that are a little behind: tens of thousands of small ones, a fraction of a second of
 * a busy member. Those further behind read from disk.
 */
const WATCH_RING_BYTES = 8 * 1024 * 1024;

/** A removed member goes on for so long, as in etcd: a leader tells the others that it's gone. */
const REMOVED_STOP_MS = 500;
/** Entries under way to one follower, in bytes: a tenth of a second of a fast line. A slower one is asked to wait. */
const MAX_INFLIGHT_BYTES = 16 * 1024 * 1024;

/** A member without its listeners: log, store, raft and the services on them. Everything is wired here, once. */
export class MemberCore {
  readonly memberId: bigint;
  readonly cluster: Cluster;
  readonly alarms: Alarms;
  readonly auth: MemberAuth;
  readonly v2 = new V2Store();
  readonly stats: MemberStats;
  readonly loop: NodeLoop;
  /** Every gRPC method by path. */
  readonly methods: GrpcService;
  /** Why the process must end, when it must. */
  readonly end = new MemberEnd();
  readonly leadership: Leadership;
  /** Whether it has no vote. */
  isLearner = false;
  readonly #config: ServerConfig;
  readonly #parts: CoreParts;
  readonly #storage: OpenStorage;
  readonly #node: RawNode;
  readonly #machine: StateMachine;
  readonly #proposer: Proposer;
  readonly #leases: LeaseKeeper;
  readonly #v2Expiry: V2Expiry;
  readonly #lessor: Lessor;
  readonly #hub: WatchHub;
  readonly #stops: (() => void)[] = [];
  readonly #streams = new OpenStreams();
  readonly #services: MemberServices;
  readonly #logUpkeep: LogUpkeep;
  /** Leads, and has applied an entry of its own term. */
  #leads = false;
  #term = 0;

  private constructor(config: ServerConfig, parts: CoreParts, storage: OpenStorage) {
    const { clock, logger, metrics } = parts;
    const { log } = storage;
    this.stats = new MemberStats(clock.wallMs());
    this.#config = config;
    this.#parts = parts;
    this.#storage = storage;
    this.memberId = log.owner.memberId;
    this.cluster = new Cluster(log.owner.clusterId);
    this.alarms = new Alarms();
    this.auth = new MemberAuth(config.authToken, parts.auth, {
      clock,
      logger,
      clientNames: parts.clientNames,
      appliedIndex: () => this.#machine.appliedIndex,
      catchUp: () => new Promise((run, fail) => this.loop.linearizableRead({ run, fail })),
    });
    this.#loadRows();
    this.#node = this.#newNode();
    const lessor = Lessor.open({
      store: this.store,
      now: clock.nowMs,
      // etcd's shortest lease: one and a half election time-outs, in whole seconds.
      minTtlSeconds: Math.ceil((1.5 * config.electionTimeoutMs) / 1000),
    });
    const hub = new WatchHub({
      source: this.store,
      turn: clock.nextTurn,
      now: clock.nowMs,
      ringBytes: WATCH_RING_BYTES,
    });
    this.#lessor = lessor;
    this.#hub = hub;
    const { alarms, cluster, auth, v2 } = this;
    const applier = new Applier({ lessor, alarms, cluster, auth, v2 });
    this.#machine = new StateMachine({
      storage,
      node: this.#node,
      applier,
      cluster: this.cluster,
      v2,
      maxLearners: config.maxLearners,
      clock,
      logger,
      warningApplyDurationMs: config.warningApplyDurationMs,
      install: (snapshot) => this.#install(snapshot),
      findProposal: (idHigh, idLow) => this.loop.findProposal(idHigh, idLow),
      onProposalClosed: (open) => this.loop.proposalClosed(open),
      onMembershipChanged: () => this.#membershipChanged(),
      metrics,
    });
    this.#logUpkeep = new LogUpkeep({
      storage,
      node: this.#node,
      machine: this.#machine,
      logger,
      snapshotCount: config.snapshotCount,
      catchupEntries: config.snapshotCatchupEntries,
      maxWals: config.maxWals,
    });
    this.loop = this.#newLoop();
    this.#proposer = this.#newProposer();
    this.#leases = new LeaseKeeper({ lessor, proposer: this.#proposer, clock, logger });
    this.#v2Expiry = new V2Expiry({ v2, proposer: this.#proposer, clock, logger });
    this.leadership = new Leadership({
      memberId: this.memberId,
      loop: this.loop,
      clock,
      members: () => this.cluster.members(),
      activeForMs: (id) => parts.peers?.activeForMs(id),
      logger,
    });
    const services = this.#newServices();
    this.methods = services.methods;
    this.#services = services;
    connectMetrics(metrics, { core: this, hub, lessor, log, config });
  }

  /** Another one after a state was received from the leader. */
  get store(): Store {
    return this.#storage.store;
  }

  /** Opens, or makes, what the member keeps. Rejects with a message for people. */
  static async open(config: ServerConfig, parts: CoreParts): Promise<MemberCore> {
    const { clock, disk, logger } = parts;
    const storage = await openStorage({
      disk,
      clock,
      dataDir: config.dataDir,
      walDir: config.walDir,
      inMemory: config.kvorumEngine === 'memory',
      engines: parts.engines,
      walSegmentBytes: parts.walSegmentBytes,
      cacheBytes: config.kvorumCacheBytes,
      unsafeNoFsync: config.unsafeNoFsync,
      compactionBatchLimit: config.compactionBatchLimit,
      keepEntries: mayHaveFollowers(config) ? config.snapshotCatchupEntries : 0,
      founder: parts.joins ?? founderOf(config),
    });
    if (config.forceNewCluster) {
      storage.forceAlone(config.initialAdvertisePeerUrls.map(({ href }) => href));
    }
    storage.announce(logger);
    return new MemberCore(config, parts, storage);
  }

  /**
   * Applies what the log still holds and takes part in the cluster; resolves when a leader has answered and everything
   * it had committed by then is applied here. That takes a majority of the members.
   */
  async start(): Promise<void> {
    const { clock } = this.#parts;
    const election = new FirstElection(this.#node, this.leadership, {
      electionTicks: this.#electionTicks,
      isHastened: this.#config.initialElectionTickAdvance,
    });
    this.#stops.push(
      clock.every(this.#config.heartbeatIntervalMs, () => {
        election.maybeHasten();
        this.loop.tick();
        this.#services.requireLeader.look(clock.nowMs());
      }),
    );
    if (this.#isNew && this.#config.initialClusterState === 'new') this.#bootstrap();
    this.loop.wake();
    await catchUp(this.loop, this.memberId, this.#parts.logger);
    this.#stops.push(
      startCompactor({
        setting: this.#config.autoCompaction,
        clock,
        logger: this.#parts.logger.named('compactor'),
        revision: () => this.store.revision,
        compact: (revision) =>
          this.#proposer.proposeOwn({ kind: 'compaction', revision, physical: false }),
      }),
    );
  }

  /** Nothing of a cluster has reached this member yet. */
  get #isNew(): boolean {
    const { log, applied } = this.#storage;
    return (
      log.memory.lastIndex() === 0 && applied.index === 0 && applied.confState.voters.length === 0
    );
  }

  /** A leader whose disk stands still commits nothing: another one can. */
  #diskStalled(): void {
    this.#parts.logger.warn('the disk of the log stands still', {
      'local-member-id': formatId(this.memberId),
      'longer-than': `${this.#config.electionTimeoutMs / 2}ms`,
    });
    void this.leadership.handOver(this.#config.electionTimeoutMs);
  }

  /** See `publish`. */
  publish(name: string, clientUrls: readonly string[]): Promise<void> {
    const { memberId, cluster } = this;
    const { logger } = this.#parts;
    return publish({ memberId, cluster, proposer: this.#proposer, logger }, name, clientUrls);
  }

  /** Members came, went, or changed. */
  #membershipChanged(): void {
    this.isLearner = this.cluster.member(this.memberId)?.isLearner === true;
    this.#parts.onMembershipChanged?.();
    if (this.cluster.isRemoved(this.memberId)) this.leave();
  }

  /** The member ends, but not before others have heard of it from this one. */
  leave(): void {
    if (this.end.isRemoved) return;
    this.end.isRemoved = true;
    this.#parts.logger.warn('the member has been permanently removed from the cluster', {
      'local-member-id': formatId(this.memberId),
      'cluster-id': formatId(this.cluster.id),
    });
    this.#stops.push(this.#parts.clock.after(REMOVED_STOP_MS, this.end.remove));
  }

  /** Reads what applied entries have decided beside the keys. */
  #loadRows(): void {
    const rows = (prefix: string) => listMeta(this.store.engine, prefix);
    this.cluster.load(rows);
    this.alarms.load(rows);
    this.auth.store.load(rows);
    this.v2.takeOver(this.store.engine);
    this.isLearner = this.cluster.member(this.memberId)?.isLearner === true;
  }

  /** What the transport of peers may do with this member. */
  peerHost(): PeerHost {
    return peerHostOf(this, this.#services.peerMethods);
  }

  /** The v2 API of this member. */
  v2Pages(): V2Pages {
    const { v2, loop, cluster, memberId, stats } = this;
    const { clock, metrics, logger } = this.#parts;
    return new V2Pages({
      logger,
      passwords: this.auth.passwords,
      v2,
      loop,
      cluster,
      memberId,
      stats,
      clock,
      name: this.#config.name,
      storage: this.#storage,
      proposer: this.#proposer,
      reconfiguration: this.#services.reconfiguration,
      peers: metrics.peers,
      role: () => this.#node.role,
      leader: () => this.leadership.leader,
      raftStatus: () => this.raftStatus(),
    });
  }

  /** Begins to receive the leader's state; `takeOver` follows when it is complete. */
  receiveState(): Promise<IncomingState> {
    return this.#storage.receive();
  }

  /** Everything to be sent to a member that the log can't help any more, and what it stands for. */
  stateToSend(): { metadata: SnapshotMetadata; chunks: AsyncGenerator<Uint8Array> } {
    const { appliedIndex: index, confState } = this.#machine;
    const term = this.#storage.log.memory.term(index);
    return { metadata: { index, term, confState }, chunks: readState(this.store.engine) };
  }

  /** The state that was received becomes this member's. */
  async #install(snapshot: Snapshot): Promise<void> {
    const { index, term } = snapshot.metadata;
    this.#parts.logger.info('applying a snapshot of the leader', { index, term });
    await this.#storage.exchange(index, (store) => {
      this.#hub.replaceSource(store);
      this.#lessor.reload(store);
      this.#loadRows();
      // Entries that this member never saw may have ended tokens, or their users' passwords.
      this.auth.tokens.forgetAll();
    });
    this.#membershipChanged();
    if (this.#storage.applied.index !== index) {
      throw new Error(
        `the received state is of index ${this.#storage.applied.index}, not ${index}`,
      );
    }
    this.#logUpkeep.installed(index);
  }

  raftStatus(): RaftStatus {
    const { softState, hardState, applied } = this.#node.status();
    return {
      leader: softState.leader,
      term: hardState.term,
      committedIndex: hardState.commit,
      appliedIndex: applied,
    };
  }

  /**
   * Notes on disk what leases have left, while that's still possible, hands the leadership over, and ends the streams
   * that never end by themselves.
   */
  async prepareStop(): Promise<void> {
    const { logger } = this.#parts;
    if (!this.end.isRemoved && this.leadership.leader !== 0n) {
      try {
        await this.#leases.finish();
      } catch (error) {
        logger.warn('the remaining time of leases was not saved', { error });
      }
      await this.leadership.handOver(this.#config.electionTimeoutMs);
    }
    this.#streams.stopAll();
    this.v2.hub.stop();
  }

  /** Stops everything and closes the stores. */
  async close(): Promise<void> {
    this.#leases.stop();
    this.#v2Expiry.stop();
    this.auth.tokens.stop();
    for (const stop of this.#stops) stop();
    await this.loop.stop();
    await this.#storage.close();
  }

  #newLoop(): NodeLoop {
    const { outbox, clock, random, metrics } = this.#parts;
    return new NodeLoop({
      node: this.#node,
      log: this.#storage.log,
      sink: this.#machine,
      outbox: {
        send: (message) => {
          if (message.type === 'MsgApp') this.stats.appendsSent += 1;
          outbox.send(message);
        },
      },
      clock,
      random,
      requestTimeoutMs: this.#requestTimeoutMs,
      canReadLocally: () => this.#leads && this.#isOnlyVoter,
      isAlone: () => this.#isOnlyVoter,
      upkeep: () => this.#upkeep(),
      onFatal: this.end.fail,
      onSoftState: () => this.#softStateChanged(),
      onSync: (durationMs) => metrics.disk.walFsyncSeconds.observe(durationMs / 1000),
      stallMs: this.#config.electionTimeoutMs / 2,
      onStall: () => this.#diskStalled(),
    });
  }

  get #electionTicks(): number {
    const { heartbeatIntervalMs, electionTimeoutMs } = this.#config;
    return Math.max(2, Math.floor(electionTimeoutMs / heartbeatIntervalMs));
  }

  #newNode(): RawNode {
    const { preVote } = this.#config;
    const { logger, random } = this.#parts;
    return new RawNode({
      id: this.memberId,
      storage: this.#storage.log.memory,
      applied: this.#storage.applied.index,
      electionTicks: this.#electionTicks,
      heartbeatTicks: 1,
      random,
      preVote,
      asyncStorageWrites: true,
      maxInflightBytes: MAX_INFLIGHT_BYTES,
      logger: raftLogger(logger),
    });
  }

  #bootstrap(): void {
    const members = foundersOf(this.#config).map((member) => {
      return { id: member.id, context: Buffer.from(memberToJson(member)) };
    });
    this.#node.bootstrap(members);
  }

  get #requestTimeoutMs(): number {
    return REQUEST_TIMEOUT_MS + 2 * this.#config.electionTimeoutMs;
  }

  #newProposer(): Proposer {
    const { clock } = this.#parts;
    const { maxRequestBytes, quotaBackendBytes } = this.#config;
    return new Proposer({
      loop: this.loop,
      ids: new RequestIds(this.memberId, clock.wallMs()),
      clock,
      alarms: this.alarms,
      ownCaller: () => this.auth.access.ownCaller(),
      memberId: this.memberId,
      maxRequestBytes,
      quotaBytes: quotaBackendBytes,
      storeBytes: () => this.store.engine.sizeBytes(),
    });
  }

  #newServices(): MemberServices {
    return memberServices({
      ...this.#parts,
      auth: this.auth,
      config: this.#config,
      memberId: this.memberId,
      storage: this.#storage,
      cluster: this.cluster,
      alarms: this.alarms,
      lessor: this.#lessor,
      hub: this.#hub,
      loop: this.loop,
      proposer: this.#proposer,
      streams: this.#streams,
      leadership: this.leadership,
      leads: () => this.#leads,
      progressOf: (id) => {
        const { progress, lastIndex } = this.#node.status();
        const known = progress.get(id);
        return known === undefined ? undefined : known.match / lastIndex;
      },
      term: () => this.#term,
      raftStatus: () => this.raftStatus(),
      isLearner: () => this.isLearner,
      requestTimeoutMs: this.#requestTimeoutMs,
      snapshotSource: () => this.#snapshotSource(this.#lessor),
    });
  }

  #snapshotSource(lessor: Lessor): SnapshotSource {
    const { store, cluster } = this;
    const { appliedIndex, confState } = this.#machine;
    const alarms = this.alarms.list(ALARM_NONE);
    return { store, lessor, cluster, alarms, appliedIndex, term: this.#term, confState };
  }

  #softStateChanged(): void {
    const { role, leader, term } = this.#node;
    const { metrics, logger } = this.#parts;
    this.#term = term;
    if (leader !== this.leadership.leader && leader !== 0n) {
      metrics.server.leaderChangesSeenTotal += 1;
      const id = formatId(this.memberId);
      const text = `raft.node: ${id} elected leader ${formatId(leader)} at term ${term}`;
      logger.named('raft').info(text);
    }
    if (leader !== this.leadership.leader) {
      this.stats.leaderSinceMs = this.#parts.clock.wallMs();
      this.leadership.changed(leader);
    }
    if (role !== 'leader' && this.#leads) {
      this.#leads = false;
      this.#leases.stop();
      this.#v2Expiry.stop();
    }
  }

  /** Between two batches. */
  #upkeep(): void {
    if (!this.#leads) this.#maybeLead();
    this.#campaign();
    this.#logUpkeep.run(this.#isOnlyVoter);
  }

  get #isOnlyVoter(): boolean {
    const { voters } = this.#machine.confState;
    return voters.length === 1 && voters[0] === this.memberId;
  }

  /** A lone voter needn't wait for anybody: it stands for election as soon as the log is applied. */
  #campaign(): void {
    if (!this.#isOnlyVoter || this.#node.leader !== 0n) return;
    this.#node.campaign();
    this.loop.wake();
  }

  /** A new leader serves once it has applied an entry of its own term (Raft dissertation §6.4). */
  #maybeLead(): void {
    const { role, term } = this.#node;
    const { appliedIndex } = this.#machine;
    if (role !== 'leader' || appliedIndex === 0) return;
    if (this.#storage.log.memory.term(appliedIndex) !== term) return;
    this.#leads = true;
    this.#leases.start(term, this.#isOnlyVoter ? 0 : this.#config.electionTimeoutMs);
    this.#v2Expiry.start(term);
    this.loop.wake();
  }
}

/** A member that found the others by discovery is not told of them again when it comes again. */
function mayHaveFollowers({ initialCluster, discovery }: ServerConfig): boolean {
  return initialCluster.length > 1 || discovery !== undefined;
}
