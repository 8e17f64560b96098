import { create, toBinary } from '@bufbuild/protobuf';
import {
  EtcdError,
  MemberAddRequestSchema,
  MemberAddResponseSchema,
  MemberListResponseSchema,
  MemberPromoteResponseSchema,
  MemberRemoveResponseSchema,
  MemberUpdateRequestSchema,
  MemberUpdateResponseSchema,
} from '@kvorum/api';
import type { GrpcMethod, UnaryCall } from '@kvorum/h2';
import type { Access } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { decodeMessage } from '../codec/message.ts';
import { decodeTwoInts } from '../codec/raft-requests.ts';
import type { Cluster, Member } from '../membership/cluster.ts';
import type { Reconfiguration } from '../membership/reconfiguration.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { MemberHeaders } from './headers.ts';
import type { LeaderCalls } from './leader-calls.ts';
import { unaryAsync } from './method.ts';

export interface ClusterOptions {
  readonly cluster: Cluster;
  readonly loop: NodeLoop;
  readonly headers: MemberHeaders;
  readonly reconfiguration: Reconfiguration;
  readonly leader: LeaderCalls;
  readonly access: Access;
}

/** etcdserverpb.Cluster. Headers have no revision: membership isn't part of the key-value store. */
export class ClusterService {
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  methods(): [string, GrpcMethod][] {
    const path = '/etcdserverpb.Cluster';
    return [
      [`${path}/MemberAdd`, unaryAsync((bytes, call) => this.#add(bytes, call))],
      [`${path}/MemberRemove`, unaryAsync((bytes, call) => this.#remove(bytes, call))],
      [`${path}/MemberUpdate`, unaryAsync((bytes, call) => this.#update(bytes, call))],
      [`${path}/MemberList`, unaryAsync((bytes, call) => this.#list(bytes, call))],
      [`${path}/MemberPromote`, unaryAsync((bytes, call) => this.#promote(bytes, call))],
    ];
  }

  async #add(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    this.#mustBeRoot(call);
    const { peerURLs, isLearner } = decodeMessage(MemberAddRequestSchema, bytes);
    const member = await this.#options.reconfiguration.add(peerURLs, isLearner);
    const response = { ...this.#rest(), member: messageOf(member) };
    return toBinary(MemberAddResponseSchema, create(MemberAddResponseSchema, response));
  }

  async #remove(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    this.#mustBeRoot(call);
    await this.#options.reconfiguration.remove(idOf(bytes));
    const response = create(MemberRemoveResponseSchema, this.#rest());
    return toBinary(MemberRemoveResponseSchema, response);
  }

  async #update(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    this.#mustBeRoot(call);
    const { ID, peerURLs } = decodeMessage(MemberUpdateRequestSchema, bytes);
    await this.#options.reconfiguration.update(ID, peerURLs);
    const response = create(MemberUpdateResponseSchema, this.#rest());
    return toBinary(MemberUpdateResponseSchema, response);
  }

  async #list(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { loop, access } = this.#options;
    access.mustBeUser(access.callerOf(call));
    const linearizable = decodeTwoInts(bytes).first !== 0n;
    if (linearizable) {
      await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
    }
    const response = create(MemberListResponseSchema, this.#rest());
    return toBinary(MemberListResponseSchema, response);
  }

  async #promote(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { leader, loop, cluster } = this.#options;
    const caller = this.#mustBeRoot(call);
    const id = idOf(bytes);
    await leader.promote(id, caller);
    // The leader has applied it; here it may be still on its way.
    if (cluster.member(id)?.isLearner === true) {
      await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
    }
    const response = create(MemberPromoteResponseSchema, this.#rest());
    return toBinary(MemberPromoteResponseSchema, response);
  }

  /** Before anything is proposed: changes of the membership carry no caller through the log, as in etcd. */
  #mustBeRoot(call: UnaryCall): Caller | undefined {
    const { access } = this.#options;
    const caller = access.callerOf(call);
    access.mustBeRoot(caller);
    return caller;
  }

  #rest() {
    const { headers, cluster } = this.#options;
    return { header: headers.message(0), members: cluster.members().map(messageOf) };
  }
}

function idOf(bytes: Uint8Array): bigint {
  const id = BigInt.asUintN(64, decodeTwoInts(bytes).first);
  if (id === 0n) throw new EtcdError('memberNotFound');
  return id;
}

function messageOf(member: Member) {
  return {
    ID: member.id,
    name: member.name,
    peerURLs: [...member.peerUrls],
    clientURLs: [...member.clientUrls],
    isLearner: member.isLearner,
  };
}
