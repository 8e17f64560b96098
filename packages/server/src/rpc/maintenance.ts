import { create, toBinary } from '@bufbuild/protobuf';
import {
  AlarmResponseSchema,
  type AlarmType,
  apiVersion,
  DowngradeRequest_DowngradeAction as DowngradeAction,
  DowngradeRequestSchema,
  DowngradeResponseSchema,
  EtcdError,
  grpcStatus,
  HashKVResponseSchema,
  HashResponseSchema,
  StatusResponseSchema,
} from '@kvorum/api';
import type { GrpcMethod, UnaryCall } from '@kvorum/h2';
import type { Store } from '@kvorum/mvcc';
import { ACTION_GET, type Alarms, alarmName } from '../apply/alarms.ts';
import { toEtcdError } from '../apply/reader.ts';
import type { Access } from '../auth/access.ts';
import { decodeMessage } from '../codec/message.ts';
import { decodeAlarm, decodeTwoInts } from '../codec/raft-requests.ts';
import type { Leadership } from '../leadership.ts';
import type { Cluster } from '../membership/cluster.ts';
import type { Downgrades } from '../membership/downgrades.ts';
import type { Proposer } from '../proposer.ts';
import type { MemberHeaders } from './headers.ts';
import { unaryAsync } from './method.ts';

/** What raft says about itself at this moment. */
export interface RaftStatus {
  readonly leader: bigint;
  readonly term: number;
  readonly committedIndex: number;
  readonly appliedIndex: number;
}

export interface MaintenanceOptions {
  readonly store: Store;
  readonly proposer: Proposer;
  readonly access: Access;
  readonly alarms: Alarms;
  readonly cluster: Cluster;
  readonly headers: MemberHeaders;
  readonly raftStatus: () => RaftStatus;
  readonly storeBytes: () => { total: number; inUse: number };
  readonly isLearner: () => boolean;
  readonly leadership: Leadership;
  readonly downgrades: Downgrades;
  /** How long a leader may take to hand over, in ms. */
  readonly timeoutMs: number;
  /** Infinity when there is no quota. */
  readonly quotaBytes: number;
}

/** etcdserverpb.Maintenance, but for the snapshot stream. */
export class MaintenanceService {
  readonly #options: MaintenanceOptions;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  methods(): [string, GrpcMethod][] {
    const path = '/etcdserverpb.Maintenance';
    return [
      [`${path}/Status`, unaryAsync((_bytes, call) => this.#status(call))],
      [`${path}/Alarm`, unaryAsync((bytes, call) => this.#alarm(bytes, call))],
      [`${path}/Hash`, this.#forRoot(() => this.#hash())],
      [`${path}/HashKV`, this.#forRoot((bytes) => this.#hashKv(bytes))],
      [`${path}/Defragment`, this.#forRoot(async () => new Uint8Array(0))],
      [`${path}/MoveLeader`, this.#forRoot((bytes) => this.#moveLeader(bytes))],
      [`${path}/Downgrade`, this.#forRoot((bytes) => this.#downgrade(bytes))],
    ];
  }

  #forRoot(handle: (bytes: Uint8Array) => Promise<Uint8Array>): GrpcMethod {
    const { access } = this.#options;
    return unaryAsync(async (bytes, call) => {
      access.mustBeRoot(access.callerOf(call));
      return await handle(bytes);
    });
  }

  async #status(call: UnaryCall): Promise<Uint8Array> {
    const { access } = this.#options;
    access.mustBeUser(access.callerOf(call));
    const { store, alarms, cluster, headers, quotaBytes } = this.#options;
    const raft = this.#options.raftStatus();
    const size = this.#options.storeBytes();
    const errors = alarms
      .list(0)
      .map(({ memberId, alarm }) => `memberID:${memberId} alarm:${alarmName(alarm)} `);
    if (raft.leader === 0n) errors.unshift('etcdserver: no leader');
    const { downgradeTarget } = cluster;
    const response = create(StatusResponseSchema, {
      header: headers.message(store.revision),
      version: apiVersion,
      dbSize: BigInt(size.total),
      dbSizeInUse: BigInt(size.inUse),
      leader: raft.leader,
      raftIndex: BigInt(raft.committedIndex),
      raftTerm: BigInt(raft.term),
      raftAppliedIndex: BigInt(raft.appliedIndex),
      errors,
      isLearner: this.#options.isLearner(),
      storageVersion: cluster.version ?? '',
      dbSizeQuota: Number.isFinite(quotaBytes) ? BigInt(quotaBytes) : 0n,
      downgradeInfo: {
        enabled: downgradeTarget !== undefined,
        ...(downgradeTarget === undefined ? {} : { targetVersion: downgradeTarget }),
      },
    });
    return toBinary(StatusResponseSchema, response);
  }

  /** Goes through the log even to list, so the answer is that of a quorum. */
  async #alarm(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { proposer, headers, access } = this.#options;
    const request = decodeAlarm(bytes);
    const caller = access.callerOf(call);
    if (request.action === ACTION_GET) access.mustBeUser(caller);
    else access.mustBeRoot(caller);
    const result = await proposer.propose(request, caller);
    const alarms = result.kind === 'alarm' ? result.alarms : [];
    const response = create(AlarmResponseSchema, {
      header: headers.message(this.#options.store.revision),
      alarms: alarms.map(({ memberId, alarm }) => ({
        memberID: memberId,
        alarm: alarm as AlarmType,
      })),
    });
    return toBinary(AlarmResponseSchema, response);
  }

  async #hash(): Promise<Uint8Array> {
    const { store, headers } = this.#options;
    const header = headers.message(store.revision);
    const hash = await store.hash();
    return toBinary(HashResponseSchema, create(HashResponseSchema, { header, hash }));
  }

  async #hashKv(bytes: Uint8Array): Promise<Uint8Array> {
    const { store, headers } = this.#options;
    const { first: revision } = decodeTwoInts(bytes);
    try {
      const found = await store.hashKv(Number(revision));
      const response = create(HashKVResponseSchema, {
        header: headers.message(store.revision),
        hash: found.hash,
        compactRevision: BigInt(found.compactRevision),
        hashRevision: BigInt(found.hashRevision),
      });
      return toBinary(HashKVResponseSchema, response);
    } catch (error) {
      throw toEtcdError(error);
    }
  }

  /** Asked of the leader alone; resolves when the other one leads. */
  async #moveLeader(bytes: Uint8Array): Promise<Uint8Array> {
    const { leadership, timeoutMs } = this.#options;
    const targetId = BigInt.asUintN(64, decodeTwoInts(bytes).first);
    await leadership.moveTo(targetId, timeoutMs);
    return new Uint8Array(0);
  }

  async #downgrade(bytes: Uint8Array): Promise<Uint8Array> {
    const { store, headers } = this.#options;
    const { action, version: target } = decodeMessage(DowngradeRequestSchema, bytes);
    const version = await this.#downgraded(action, target);
    const header = headers.message(store.revision);
    return toBinary(DowngradeResponseSchema, create(DowngradeResponseSchema, { header, version }));
  }

  #downgraded(action: DowngradeAction, target: string): Promise<string> {
    const { downgrades } = this.#options;
    switch (action) {
      case DowngradeAction.VALIDATE:
        return downgrades.validate(target);
      case DowngradeAction.ENABLE:
        return downgrades.enable(target);
      case DowngradeAction.CANCEL:
        return downgrades.cancel();
      default:
        throw new EtcdError('unmapped', grpcStatus.unknown, 'etcdserver: unknown method');
    }
  }
}
