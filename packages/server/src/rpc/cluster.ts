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
import type { GrpcMethod } from '@kvorum/h2';
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
      [`${path}/MemberAdd`, unaryAsync((bytes) => this.#add(bytes))],
      [`${path}/MemberRemove`, unaryAsync((bytes) => this.#remove(bytes))],
      [`${path}/MemberUpdate`, unaryAsync((bytes) => this.#update(bytes))],
      [`${path}/MemberList`, unaryAsync((bytes) => this.#list(bytes))],
      [`${path}/MemberPromote`, unaryAsync((bytes) => this.#promote(bytes))],
    ];
  }

  async #add(bytes: Uint8Array): Promise<Uint8Array> {
    const { peerURLs, isLearner } = decodeMessage(MemberAddRequestSchema, bytes);
    const member = await this.#options.reconfiguration.add(peerURLs, isLearner);
    const response = { ...this.#rest(), member: messageOf(member) };
    return toBinary(MemberAddResponseSchema, create(MemberAddResponseSchema, response));
  }

  async #remove(bytes: Uint8Array): Promise<Uint8Array> {
    await this.#options.reconfiguration.remove(idOf(bytes));
    const response = create(MemberRemoveResponseSchema, this.#rest());
    return toBinary(MemberRemoveResponseSchema, response);
  }

  async #update(bytes: Uint8Array): Promise<Uint8Array> {
    const { ID, peerURLs } = decodeMessage(MemberUpdateRequestSchema, bytes);
    await this.#options.reconfiguration.update(ID, peerURLs);
    const response = create(MemberUpdateResponseSchema, this.#rest());
    return toBinary(MemberUpdateResponseSchema, response);
  }

  async #list(bytes: Uint8Array): Promise<Uint8Array> {
    const { loop } = this.#options;
    const linearizable = decodeTwoInts(bytes).first !== 0n;
    if (linearizable) {
      await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
    }
    const response = create(MemberListResponseSchema, this.#rest());
    return toBinary(MemberListResponseSchema, response);
  }

  async #promote(bytes: Uint8Array): Promise<Uint8Array> {
    const { leader, loop, cluster } = this.#options;
    const id = idOf(bytes);
    await leader.promote(id);
    // The leader has applied it; here it may be still on its way.
    if (cluster.member(id)?.isLearner === true) {
      await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
    }
    const response = create(MemberPromoteResponseSchema, this.#rest());
    return toBinary(MemberPromoteResponseSchema, response);
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
