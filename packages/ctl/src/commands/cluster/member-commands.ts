import {
  type MemberAddResponse,
  MemberPromoteResponseSchema,
  MemberRemoveResponseSchema,
  MemberUpdateResponseSchema,
} from '@kvorum/api';
import { badArguments } from '../../exit-error.ts';
import { booleanFlag, stringFlag } from '../../flags/flag.ts';
import { goQuote } from '../../output/go-quote.ts';
import { defineCommand } from '../../program/command.ts';
import { isSerializable } from '../kv/range-request.ts';
import { onlyMemberId } from './member-arguments.ts';
import { addRendering, changeRendering, listRendering } from './member-renderings.ts';
import { peerUrls } from './peer-urls.ts';

export const add = defineCommand({
  use: 'add <memberName> [options]',
  flags: {
    learner: booleanFlag('indicates if the new member is raft learner'),
    'peer-urls': stringFlag('comma separated peer URLs for the new member.'),
  },
  run: async (invocation) => {
    const name = newMemberName(invocation.args);
    const { learner: isLearner, 'peer-urls': urls } = invocation.flags;
    if (urls === '') throw badArguments('member peer urls not provided');
    const client = await invocation.client();
    const request = { peerURLs: peerUrls(urls), isLearner };
    const response = await client.cluster.memberAdd(request, invocation.callOptions());
    await invocation.print(addRendering(response, environmentOf(response, name, urls)));
  },
});

function newMemberName(args: readonly string[]): string {
  const [name, ...more] = args;
  if (name === undefined) throw badArguments('member name not provided');
  if (more.length > 0) {
    const urls = args.filter((arg) => arg.toLowerCase().startsWith('http'));
    const hints = urls.map((url) => `, did you mean --peer-urls=${url}`);
    throw badArguments(`too many arguments${hints.join('')}`);
  }
  return name;
}

/** What the new member's process wants to be told, as variables. */
function environmentOf(response: MemberAddResponse, name: string, urls: string): string[] {
  const founders = response.members.flatMap((member) => {
    const itsName = member.ID === response.member?.ID ? name : member.name;
    return member.peerURLs.map((url) => `${itsName}=${url}`);
  });
  return [
    '',
    `ETCD_NAME=${goQuote(name)}`,
    `ETCD_INITIAL_CLUSTER=${goQuote(founders.join(','))}`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=${goQuote(urls)}`,
    'ETCD_INITIAL_CLUSTER_STATE="existing"',
  ];
}

export const remove = defineCommand({
  use: 'remove <memberID>',
  flags: {},
  run: async (invocation) => {
    const ID = onlyMemberId(invocation.args);
    const client = await invocation.client();
    const response = await client.cluster.memberRemove({ ID }, invocation.callOptions());
    const schema = MemberRemoveResponseSchema;
    await invocation.print(changeRendering(ID, 'removed from', schema, response));
  },
});

export const update = defineCommand({
  use: 'update <memberID> [options]',
  flags: { 'peer-urls': stringFlag('comma separated peer URLs for the updated member.') },
  run: async (invocation) => {
    const ID = onlyMemberId(invocation.args);
    const urls = invocation.flags['peer-urls'];
    if (urls === '') throw badArguments('member peer urls not provided');
    const client = await invocation.client();
    const request = { ID, peerURLs: peerUrls(urls) };
    const response = await client.cluster.memberUpdate(request, invocation.callOptions());
    const schema = MemberUpdateResponseSchema;
    await invocation.print(changeRendering(ID, 'updated in', schema, response));
  },
});

export const promote = defineCommand({
  use: 'promote <memberID>',
  long: 'Promotes a non-voting learner member to a voting one in the cluster.',
  flags: {},
  run: async (invocation) => {
    const ID = onlyMemberId(invocation.args);
    const client = await invocation.client();
    const response = await client.cluster.memberPromote({ ID }, invocation.callOptions());
    const schema = MemberPromoteResponseSchema;
    await invocation.print(changeRendering(ID, 'promoted in', schema, response));
  },
});

export const list = defineCommand({
  use: 'list',
  long: `When --write-out is set to simple, this command prints out comma-separated member lists for each endpoint.
The items in the lists are ID, Status, Name, Peer Addrs, Client Addrs, Is Learner.`,
  flags: { consistency: stringFlag('Linearizable(l) or Serializable(s)', 'l') },
  run: async (invocation) => {
    const linearizable = !isSerializable(invocation.flags.consistency);
    const client = await invocation.client();
    const request = { linearizable };
    const response = await client.cluster.memberList(request, invocation.callOptions());
    await invocation.print(listRendering(response));
  },
});
