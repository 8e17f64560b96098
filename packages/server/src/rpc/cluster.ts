import { create, toBinary } from '@bufbuild/protobuf';
import { MemberListResponseSchema } from '@kvorum/api';
import type { GrpcMethod } from '@kvorum/h2';
import { decodeTwoInts } from '../codec/raft-requests.ts';
import type { Cluster } from '../membership/cluster.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { MemberHeaders } from './headers.ts';
import { unaryAsync } from './method.ts';

export interface ClusterOptions {
  readonly cluster: Cluster;
  readonly loop: NodeLoop;
  readonly headers: MemberHeaders;
}

/** etcdserverpb.Cluster, as far as one member has use for it: the list of members. */
export function clusterMethods(options: ClusterOptions): [string, GrpcMethod][] {
  return [['/etcdserverpb.Cluster/MemberList', unaryAsync((bytes) => memberList(options, bytes))]];
}

/** The header has no revision: membership isn't part of the key-value store. */
async function memberList(options: ClusterOptions, bytes: Uint8Array): Promise<Uint8Array> {
  const { cluster, loop, headers } = options;
  const linearizable = decodeTwoInts(bytes).first !== 0n;
  if (linearizable) {
    await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
  }
  const response = create(MemberListResponseSchema, {
    header: headers.message(0),
    members: cluster.members().map((member) => ({
      ID: member.id,
      name: member.name,
      peerURLs: [...member.peerUrls],
      clientURLs: [...member.clientUrls],
      isLearner: member.isLearner,
    })),
  });
  return toBinary(MemberListResponseSchema, response);
}
