import type { Member as MemberMessage } from '@kvorum/api';
import type { CallOptions } from '../call-options.ts';
import type { RpcClient } from '../rpc-client.ts';

/** A member of the cluster, as the cluster knows it. */
export interface Member {
  readonly id: bigint;
  /** Empty until it has started for the first time. */
  readonly name: string;
  /** Where other members reach it. */
  readonly peerUrls: readonly string[];
  /** Where clients reach it. */
  readonly clientUrls: readonly string[];
  /** A learner gets all data and has no vote. */
  readonly isLearner: boolean;
}

/** The members of the cluster. All methods reject with `ClientError`. */
export class Members {
  readonly #rpc: RpcClient;

  /** For `Client.members`. */
  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  /** All members. With `serializable` as the member that is asked knows them, though it may be behind. */
  async list(
    options: CallOptions & { readonly serializable?: boolean } = {},
  ): Promise<readonly Member[]> {
    const linearizable = options.serializable !== true;
    const { members } = await this.#rpc.cluster.memberList({ linearizable }, options);
    return members.map(memberOf);
  }

  /**
   * Adds a member, which is to be started then: a voter, or with `isLearner` a learner. Rejects with "peerUrlExist",
   * "memberNotEnoughStarted" when the cluster would not survive it, "tooManyLearners".
   */
  async add(
    peerUrls: readonly string[],
    options: CallOptions & { readonly isLearner?: boolean } = {},
  ): Promise<Member> {
    const request = { peerURLs: [...peerUrls], isLearner: options.isLearner ?? false };
    const { member } = await this.#rpc.cluster.memberAdd(request, options);
    if (member === undefined) throw new Error('the server does not say which member it has added');
    return memberOf(member);
  }

  /** Removes a member, running or not. Rejects with "memberNotFound", "memberNotEnoughStarted". */
  async remove(id: bigint, options: CallOptions = {}): Promise<void> {
    await this.#rpc.cluster.memberRemove({ ID: id }, options);
  }

  /** Says where a member is reached by others from now on. Rejects with "memberNotFound", "peerUrlExist". */
  async update(id: bigint, peerUrls: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#rpc.cluster.memberUpdate({ ID: id, peerURLs: [...peerUrls] }, options);
  }

  /** Makes a learner a voter. Rejects with "learnerNotReady" until it has nearly all data, "memberNotLearner". */
  async promote(id: bigint, options: CallOptions = {}): Promise<void> {
    await this.#rpc.cluster.memberPromote({ ID: id }, options);
  }
}

function memberOf({ ID, name, peerURLs, clientURLs, isLearner }: MemberMessage): Member {
  return { id: ID, name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner };
}
