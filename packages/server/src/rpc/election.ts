import { create, toBinary } from '@bufbuild/protobuf';
import {
  CampaignRequestSchema,
  CampaignResponseSchema,
  EtcdError,
  grpcStatus,
  type LeaderKey,
  LeaderRequestSchema,
  LeaderResponseSchema,
  ProclaimRequestSchema,
  ProclaimResponseSchema,
  ResignRequestSchema,
  ResignResponseSchema,
} from '@kvorum/api';
import { compare, type KeyValue, op } from '@kvorum/client';
import type { GrpcMethod, StreamCall, StreamReceiver, UnaryCall } from '@kvorum/h2';
import { Election, observeElection } from '@kvorum/recipes';
import { decodeMessage } from '../codec/message.ts';
import { abortSignalOf, type Coordination } from './coordination.ts';
import type { MemberHeaders } from './headers.ts';
import { unaryAsync } from './method.ts';
import { OneQuestion } from './one-question.ts';

const none = new Uint8Array(0);
const notLeader = 'election: not leader';
const noLeader = 'election: no leader';
const noLeaderKey = '"leader" field must be provided';

/** A leader is found gone when the campaign is won, or when it proclaims. */
const wording = { evicted: notLeader } as const;

const earliest = { sortBy: 'createRevision', limit: 1 } as const;

/** v3electionpb.Election: elections for those who have no recipes, by those of `@kvorum/recipes`. */
export class ElectionService {
  readonly #coordination: Coordination;
  readonly #headers: MemberHeaders;

  constructor(coordination: Coordination, headers: MemberHeaders) {
    this.#coordination = coordination;
    this.#headers = headers;
  }

  methods(): [string, GrpcMethod][] {
    const path = '/v3electionpb.Election';
    return [
      [`${path}/Campaign`, unaryAsync((bytes, call) => this.#campaign(bytes, call))],
      [`${path}/Proclaim`, unaryAsync((bytes, call) => this.#proclaim(bytes, call))],
      [`${path}/Leader`, unaryAsync((bytes, call) => this.#leader(bytes, call))],
      [`${path}/Observe`, { kind: 'stream', open: (call) => this.#observe(call) }],
      [`${path}/Resign`, unaryAsync((bytes, call) => this.#resign(bytes, call))],
    ];
  }

  async #campaign(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { name, lease, value } = decodeMessage(CampaignRequestSchema, bytes);
    const gone = abortSignalOf(call);
    const leader = await this.#coordination.run(call, name, gone, wording, async (errand) => {
      const session = await errand.session(lease);
      const won = await new Election(session, '').campaign(value, { signal: errand.signal });
      const key = Buffer.concat([name, Buffer.from(won.key)]);
      return { name, key, rev: won.token, lease: session.leaseId };
    });
    const response = create(CampaignResponseSchema, { header: this.#headers.messageNow(), leader });
    return toBinary(CampaignResponseSchema, response);
  }

  async #proclaim(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { leader, value } = decodeMessage(ProclaimRequestSchema, bytes);
    const { key, rev, lease } = given(leader);
    const gone = abortSignalOf(call);
    const result = await this.#coordination.run(call, none, gone, wording, ({ client, signal }) =>
      client
        .txn()
        .if(compare.createRevision(key, '=', rev))
        .then(op.put(key, value, { lease }))
        .commit({ signal }),
    );
    if (!result.succeeded) throw new EtcdError('unmapped', grpcStatus.unknown, notLeader);
    const response = create(ProclaimResponseSchema, { header: this.#headers.messageNow() });
    return toBinary(ProclaimResponseSchema, response);
  }

  async #leader(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { name } = decodeMessage(LeaderRequestSchema, bytes);
    const gone = abortSignalOf(call);
    const found = await this.#coordination.run(call, name, gone, wording, ({ client, signal }) =>
      client.range({ prefix: '/' }, { ...earliest, signal }),
    );
    const [leader] = found.entries;
    if (leader === undefined) throw new EtcdError('unmapped', grpcStatus.unknown, noLeader);
    return leaderResponse(this.#headers, name, leader);
  }

  async #resign(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { leader } = decodeMessage(ResignRequestSchema, bytes);
    const { key, rev } = given(leader);
    const gone = abortSignalOf(call);
    await this.#coordination.run(call, none, gone, wording, ({ client, signal }) =>
      client
        .txn()
        .if(compare.createRevision(key, '=', rev))
        .then(op.delete(key))
        .commit({ signal }),
    );
    const response = create(ResignResponseSchema, { header: this.#headers.messageNow() });
    return toBinary(ResignResponseSchema, response);
  }

  #observe(call: StreamCall): StreamReceiver {
    return new OneQuestion(call, async (question, { gone, send }) => {
      const { name } = decodeMessage(LeaderRequestSchema, question);
      await this.#coordination.run(call, name, gone, wording, async (errand) => {
        const { client, signal, environment } = errand;
        // What changes while the observer does not read is left out.
        for await (const leader of observeElection(client, '', { signal, environment })) {
          await send(leaderResponse(this.#headers, name, leader));
        }
      });
    });
  }
}

function given(leader: LeaderKey | undefined): LeaderKey {
  if (leader === undefined) throw new EtcdError('unmapped', grpcStatus.unknown, noLeaderKey);
  return leader;
}

function leaderResponse(headers: MemberHeaders, name: Uint8Array, leader: KeyValue): Uint8Array {
  const { value, createRevision, modRevision, version, lease } = leader;
  const key = Buffer.concat([name, leader.key]);
  const kv = { key, value, createRevision, modRevision, version, lease };
  const response = create(LeaderResponseSchema, { header: headers.messageNow(), kv });
  return toBinary(LeaderResponseSchema, response);
}
