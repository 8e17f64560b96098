import { AlarmRequest_AlarmAction as AlarmAction, AlarmType } from '@kvorum/api';
import type { CallOptions } from '../call-options.ts';
import { plainBytes } from '../encoding.ts';
import { ClientError } from '../errors.ts';
import type { RpcClient } from '../rpc-client.ts';

/** How one member stands. */
export interface MemberStatus {
  /** Where it was asked. */
  readonly endpoint: string;
  readonly memberId: bigint;
  readonly version: string;
  /** The member that leads, as this one knows; 0n: none. */
  readonly leaderId: bigint;
  readonly isLearner: boolean;
  /** Size of its database with what may be reused, in bytes. */
  readonly dbSizeBytes: number;
  /** Size of what is in it, in bytes. */
  readonly dbSizeInUseBytes: number;
  /** The store's revision, as far as this member has applied. */
  readonly revision: bigint;
  readonly raftTerm: bigint;
  readonly raftIndex: bigint;
  readonly raftAppliedIndex: bigint;
  /** What is wrong with it, for people. */
  readonly errors: readonly string[];
}

/** Something that a member has raised the alarm for; it stays until it is disarmed. */
export interface Alarm {
  readonly memberId: bigint;
  /** Its space is used up, and writes are refused; or its data differs from that of others. */
  readonly type: 'noSpace' | 'corrupt';
}

/** What a member's keys amount to, to be compared with other members at the same revision. */
export interface KeysHash {
  readonly hash: number;
  /** The revision up to which it counts. */
  readonly hashRevision: bigint;
  /** What was compacted does not count; only hashes with the same one can be compared. */
  readonly compactRevision: bigint;
}

/** Makes a client of one endpoint alone, with the same options, to be closed by the caller. */
export type ConnectTo = (endpoint: string) => RpcClient;

const alarmTypes = { noSpace: AlarmType.NOSPACE, corrupt: AlarmType.CORRUPT } as const;

/** Upkeep of the cluster. What concerns one member takes its endpoint. All methods reject with `ClientError`. */
export class Maintenance {
  readonly #rpc: RpcClient;
  readonly #connectTo: ConnectTo;

  /** For `Client.maintenance`. */
  constructor(rpc: RpcClient, connectTo: ConnectTo) {
    this.#rpc = rpc;
    this.#connectTo = connectTo;
  }

  /** How the member at an endpoint stands. */
  async status(endpoint: string, options: CallOptions = {}): Promise<MemberStatus> {
    using rpc = this.#connectTo(endpoint);
    const status = await rpc.maintenance.status({}, options);
    return {
      endpoint,
      memberId: status.header?.memberId ?? 0n,
      version: status.version,
      leaderId: status.leader,
      isLearner: status.isLearner,
      dbSizeBytes: Number(status.dbSize),
      dbSizeInUseBytes: Number(status.dbSizeInUse),
      revision: status.header?.revision ?? 0n,
      raftTerm: status.raftTerm,
      raftIndex: status.raftIndex,
      raftAppliedIndex: status.raftAppliedIndex,
      errors: status.errors,
    };
  }

  /** What alarms there are. */
  async alarms(options: CallOptions = {}): Promise<readonly Alarm[]> {
    const { alarms } = await this.#rpc.maintenance.alarm({ action: AlarmAction.GET }, options);
    return alarms.flatMap(({ memberID, alarm }): Alarm[] => {
      if (alarm === AlarmType.NOSPACE) return [{ memberId: memberID, type: 'noSpace' }];
      return alarm === AlarmType.CORRUPT ? [{ memberId: memberID, type: 'corrupt' }] : [];
    });
  }

  /** Ends an alarm, once its reason is gone. */
  async disarm({ memberId, type }: Alarm, options: CallOptions = {}): Promise<void> {
    const action = AlarmAction.DEACTIVATE;
    const request = { action, memberID: memberId, alarm: alarmTypes[type] };
    await this.#rpc.maintenance.alarm(request, options);
  }

  /** Has the member at an endpoint give free space back; etcd's serves nobody meanwhile. */
  async defragment(endpoint: string, options: CallOptions = {}): Promise<void> {
    using rpc = this.#connectTo(endpoint);
    await rpc.maintenance.defragment({}, options);
  }

  /** The hash of all keys of the member at an endpoint, up to a revision (default: its latest). */
  async hashKeys(
    endpoint: string,
    options: CallOptions & { readonly revision?: bigint } = {},
  ): Promise<KeysHash> {
    using rpc = this.#connectTo(endpoint);
    const request = { revision: options.revision ?? 0n };
    const { hash, hashRevision, compactRevision, header } = await rpc.maintenance.hashKV(
      request,
      options,
    );
    // Before 3.6 it is not said, and was the one that was asked for or the latest.
    const asked = request.revision === 0n ? (header?.revision ?? 0n) : request.revision;
    return { hash, compactRevision, hashRevision: hashRevision === 0n ? asked : hashRevision };
  }

  /**
   * Has the leader hand over to another member. It is looked for at all endpoints of the client. Rejects with
   * "noLeader" when none of them is a leader's, "badLeaderTransferee".
   */
  async moveLeader(memberId: bigint, options: CallOptions = {}): Promise<void> {
    for (const endpoint of this.#rpc.endpoints) {
      using rpc = this.#connectTo(endpoint);
      const status = await rpc.maintenance.status({}, options).catch(unreachable);
      if (status === undefined || status.leader !== status.header?.memberId) continue;
      await rpc.maintenance.moveLeader({ targetID: memberId }, options);
      return;
    }
    const message = `no leader at ${this.#rpc.endpoints.join(', ')}`;
    throw new ClientError({ code: 'noLeader', message, retryable: true });
  }

  /**
   * A database file with all there is, in parts, for `etcdutl snapshot restore` and `kvutl`: of the member at an endpoint,
   * or of any. What is broken off is no snapshot. Throws `ClientError` to the reader.
   */
  async *snapshot(
    options: CallOptions & { readonly endpoint?: string } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { endpoint } = options;
    const own = endpoint === undefined ? undefined : this.#connectTo(endpoint);
    try {
      const { maintenance } = own ?? this.#rpc;
      for await (const { blob } of maintenance.snapshot({}, options)) yield plainBytes(blob);
    } finally {
      own?.close();
    }
  }
}

/** An endpoint that does not answer is not a leader's. */
function unreachable(error: unknown): undefined {
  if (!(error instanceof ClientError) || error.code === 'aborted') throw error;
  return undefined;
}
