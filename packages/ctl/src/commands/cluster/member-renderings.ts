import type { DescMessage, Message } from '@bufbuild/protobuf';
import {
  type Member,
  type MemberAddResponse,
  MemberAddResponseSchema,
  type MemberListResponse,
  MemberListResponseSchema,
  type ResponseHeader,
} from '@kvorum/api';
import { goJson, jsonText } from '../../output/go-json.ts';
import { goQuote } from '../../output/go-quote.ts';
import { paddedId } from '../../output/go-values.ts';
import { headerFields } from '../../output/key-values.ts';
import type { Rendering } from '../../output/rendering.ts';

/** An answer about the membership. */
type MembershipAnswer = Message & {
  readonly header?: ResponseHeader | undefined;
  readonly members: readonly Member[];
  readonly member?: Member | undefined;
};

/** Of a call that did something to a member: `Member ID did something cluster ID`. */
export function changeRendering(
  id: bigint,
  what: string,
  schema: DescMessage,
  response: MembershipAnswer,
): Rendering {
  const clusterId = paddedId(response.header?.clusterId ?? 0n);
  return {
    simple: (line) => line(`Member ${paddedId(id)} ${what} cluster ${clusterId}`),
    json: (isHex) => (isHex ? hexJson(response) : goJson(schema, response)),
    message: [schema, response],
  };
}

/** `more` are lines for `simple` alone. */
export function addRendering(response: MemberAddResponse, more: readonly string[]): Rendering {
  const { ID = 0n, isLearner = false } = response.member ?? {};
  const what = isLearner ? 'added as learner to' : 'added to';
  const rendering = changeRendering(ID, what, MemberAddResponseSchema, response);
  return {
    ...rendering,
    simple: (line, isHex) => {
      rendering.simple?.(line, isHex);
      for (const text of more) line(text);
    },
  };
}

export function listRendering(response: MemberListResponse): Rendering {
  const rows = response.members.map((member) => [
    member.ID.toString(16),
    member.name === '' ? 'unstarted' : 'started',
    member.name,
    member.peerURLs.join(','),
    member.clientURLs.join(','),
    String(member.isLearner),
  ]);
  return {
    simple: (line) => {
      for (const row of rows) line(row.join(', '));
    },
    table: () => ({
      head: ['ID', 'Status', 'Name', 'Peer Addrs', 'Client Addrs', 'Is Learner'],
      rows,
    }),
    fields: (line, isHex) => {
      headerFields(line, response.header, isHex);
      for (const member of response.members) {
        line(`"ID" : ${isHex ? member.ID.toString(16) : member.ID}`);
        line(`"Name" : ${goQuote(member.name)}`);
        for (const url of member.peerURLs) line(`"PeerURL" : ${goQuote(url)}`);
        for (const url of member.clientURLs) line(`"ClientURL" : ${goQuote(url)}`);
        line(`"IsLearner" : ${member.isLearner}`);
        line('');
      }
    },
    json: (isHex) => (isHex ? hexJson(response) : goJson(MemberListResponseSchema, response)),
    message: [MemberListResponseSchema, response],
  };
}

/** JSON with ids as texts in base 16. */
function hexJson({ header, member, members }: MembershipAnswer): string {
  const id = (value: bigint) => jsonText(value.toString(16));
  const headerParts = [
    `"cluster_id":${id(header?.clusterId ?? 0n)}`,
    `"member_id":${id(header?.memberId ?? 0n)}`,
    ...(header?.revision ? [`"revision":${header.revision}`] : []),
    ...(header?.raftTerm ? [`"raft_term":${header.raftTerm}`] : []),
  ];
  const memberJson = (one: Member) => {
    const texts = (urls: readonly string[]) => `[${urls.map(jsonText).join(',')}]`;
    const parts = [
      `"ID":${id(one.ID)}`,
      ...(one.name === '' ? [] : [`"name":${jsonText(one.name)}`]),
      ...(one.peerURLs.length === 0 ? [] : [`"peerURLs":${texts(one.peerURLs)}`]),
      ...(one.clientURLs.length === 0 ? [] : [`"clientURLs":${texts(one.clientURLs)}`]),
      ...(one.isLearner ? ['"isLearner":true'] : []),
    ];
    return `{${parts.join(',')}}`;
  };
  const parts = [
    `"header":{${headerParts.join(',')}}`,
    ...(member === undefined ? [] : [`"member":${memberJson(member)}`]),
    `"members":[${members.map(memberJson).join(',')}]`,
  ];
  return `{${parts.join(',')}}`;
}
