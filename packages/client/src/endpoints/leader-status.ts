import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Maintenance, StatusRequestSchema, StatusResponseSchema } from '@kvorum/api';
import type { TokenSource } from '../caller.ts';
import type { Channel } from '../channel.ts';
import type { Balancer } from './balancer.ts';
import { LeaderHints, type MemberStatus } from './leader-hints.ts';

const path = `/${Maintenance.typeName}/${Maintenance.method.status.name}`;
/** How long an endpoint may take to say who leads, in ms. Nobody waits for it. */
const statusTimeoutMs = 5000;

/** Hints from what the members themselves say. */
export function leaderHints(balancer: Balancer, tokens: TokenSource | undefined): LeaderHints {
  const request = toBinary(StatusRequestSchema, create(StatusRequestSchema));
  const askStatus = async (channel: Channel): Promise<MemberStatus> => {
    const token = await tokens?.token();
    const metadata = token === undefined ? [] : [['token', token] as const];
    const options = { metadata, timeoutMs: statusTimeoutMs, signal: undefined };
    const answer = await channel.unary(path, request, options);
    const { header, leader: leaderId, raftTerm } = fromBinary(StatusResponseSchema, answer);
    return { memberId: header?.memberId ?? 0n, leaderId, raftTerm };
  };
  return new LeaderHints({ channels: () => balancer.channels, askStatus });
}
