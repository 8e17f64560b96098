import { goQuote } from '../../output/go-quote.ts';
import type { V2Member } from '../cluster-api.ts';
import type { V2Call } from '../v2-command.ts';
import { orRefuse, refused } from './refused.ts';

/** Lists the members of the cluster. */
export async function memberList(call: V2Call): Promise<undefined> {
  if (call.args.length > 0) throw refused('No arguments accepted');
  const cluster = await call.syncedCluster();
  const members = await orRefuse('', () => cluster.list(call.deadline));
  const leader = await orRefuse('Failed to get leader:  ', () => cluster.leader(call.deadline));
  for (const member of members) call.writeLine(memberLine(member, leader.id));
}

function memberLine({ id, name, peerURLs, clientURLs }: V2Member, leaderId: string): string {
  const peers = peerURLs.join(',');
  if (name === '') return `${id}[unstarted]: peerURLs=${peers}`;
  const clients = clientURLs.join(',');
  return `${id}: name=${name} peerURLs=${peers} clientURLs=${clients} isLeader=${id === leaderId}`;
}

/** Adds a member, and shows how to start it. */
export async function memberAdd(call: V2Call): Promise<undefined> {
  const [name = '', peerUrl = ''] = call.args;
  if (call.args.length !== 2) throw refused('Provide a name and a single member peerURL');
  const cluster = await call.syncedCluster();
  const { id } = await orRefuse('', () => cluster.add(peerUrl, call.deadline));
  call.writeLine(`Added member named ${name} with ID ${id} to cluster`);
  const members = await orRefuse('', () => cluster.list(call.deadline));
  const founders = members.flatMap((member) => {
    return member.peerURLs.map((url) => `${member.id === id ? name : member.name}=${url}`);
  });
  call.writeLine('');
  call.writeLine(`ETCD_NAME=${goQuote(name)}`);
  call.writeLine(`ETCD_INITIAL_CLUSTER=${goQuote(founders.join(','))}`);
  call.writeLine('ETCD_INITIAL_CLUSTER_STATE="existing"');
}

export async function memberRemove(call: V2Call): Promise<undefined> {
  const [id = ''] = call.args;
  if (call.args.length !== 1) throw refused('Provide a single member ID');
  const cluster = await call.syncedCluster();
  const members = await orRefuse('Error while verifying ID against known members: ', () => {
    return cluster.list(call.deadline);
  });
  const named = members.find((member) => member.name === id);
  if (named !== undefined) {
    call.warn(
      `Found a member named ${id}; if this is correct, please use its ID, eg:\n\tetcdctl member remove ${named.id}`,
    );
    call.warn(
      'For more details, read the documentation at https://github.com/etcd-io/etcd/blob/main/Documentation/runtime-configuration.md#remove-a-member\n',
    );
  }
  if (!members.some((member) => member.id === id)) {
    throw refused(`Couldn't find a member in the cluster with an ID of ${id}.`);
  }
  const prefix = `Received an error trying to remove member ${id}: `;
  await orRefuse(prefix, () => cluster.remove(id, call.deadline));
  call.writeLine(`Removed member ${id} from cluster`);
}

/** Changes where other members reach one. */
export async function memberUpdate(call: V2Call): Promise<undefined> {
  const [id = '', urls = ''] = call.args;
  if (call.args.length !== 2) {
    throw refused(
      'Provide an ID and a list of comma separated peerURL (0xabcd http://example.com,http://example1.com)',
    );
  }
  const cluster = await call.syncedCluster();
  await orRefuse('', () => cluster.update(id, urls.split(','), call.deadline));
  call.writeLine(`Updated member with ID ${id} in cluster`);
}
