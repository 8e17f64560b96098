import type { EndpointUrl } from '../config/endpoint-url.ts';
import type { InitialMember, ServerConfig } from '../config/server-config.ts';
import type { PeerNetwork } from '../peer/node-network.ts';
import type { LogOwner } from '../raft-log.ts';
import { type Member, membersFromJson } from './cluster.ts';
import { founderOf } from './founders.ts';
import { formatId } from './ids.ts';

/** A cluster as one of its members tells of it. */
export interface KnownCluster {
  readonly clusterId: bigint;
  readonly members: readonly Member[];
}

/** Who a member is that joins a cluster, and the others of it. */
export interface Joining {
  readonly owner: LogOwner;
  readonly members: readonly Member[];
}

/** Something that has to be put right before the member can start. The text is for people. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError';
}

/**
 * Asks the members that --initial-cluster names beside this one for their cluster. Undefined when none of them answers.
 */
export async function fetchCluster(
  config: ServerConfig,
  network: Pick<PeerNetwork, 'get'>,
): Promise<KnownCluster | undefined> {
  const urls = config.initialCluster
    .filter(({ name }) => name !== config.name)
    .flatMap(({ peerUrls }) => peerUrls);
  const answers = await Promise.all(urls.map((url) => askMembers(url, network)));
  // A member that has just been started knows nobody yet.
  return answers.find((cluster) => cluster !== undefined && cluster.members.length > 0);
}

async function askMembers(
  url: EndpointUrl,
  network: Pick<PeerNetwork, 'get'>,
): Promise<KnownCluster | undefined> {
  try {
    const { status, headers, body } = await network.get(url, '/members');
    const id = headers['x-etcd-cluster-id'];
    if (status !== 200 || typeof id !== 'string' || !/^[0-9a-f]+$/.test(id)) return undefined;
    return { clusterId: BigInt(`0x${id}`), members: membersFromJson(body) };
  } catch {
    // It doesn't run, or isn't one of ours; another one may be.
    return undefined;
  }
}

/**
 * A founder whose data is gone must not begin anew under its old id: it would vote twice in a term, and have forgotten
 * what it acknowledged. `known` is what the others say, if any of them runs. Throws `BootstrapError`.
 */
export function refuseForgetful(config: ServerConfig, known: KnownCluster | undefined): void {
  const { memberId } = founderOf(config);
  const self = known?.members.find(({ id }) => id === memberId);
  if (self !== undefined && hasStarted(self)) throw bootstrapped(self);
}

/**
 * Who this member is in a cluster that exists, by its peer URLs; --initial-cluster has to name the same members. Throws
 * `BootstrapError`, in etcd's words.
 */
export function joiningOf(config: ServerConfig, known: KnownCluster | undefined): Joining {
  if (known === undefined) {
    throw new BootstrapError(
      'cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs',
    );
  }
  const { clusterId, members } = known;
  const { initialCluster, name } = config;
  const refuse = (reason: string): never => {
    const told = members.map(describe).join(' ');
    throw new BootstrapError(
      `error validating peerURLs {ClusterID:${formatId(clusterId)} Members:[${told}] RemovedMemberIDs:[]}: ${reason}`,
    );
  };
  if (members.length !== initialCluster.length) refuse('member count is unequal');
  let self: Member | undefined;
  for (const listed of initialCluster) {
    const match = members.find((member) => sameUrls(listed, member));
    if (match === undefined) {
      refuse(`unmatched member while checking PeerURLs (${hrefs(listed).join(',')})`);
    }
    if (listed.name === name) self = match;
  }
  if (self === undefined) {
    throw new BootstrapError(
      `couldn't find local name "${name}" in the initial cluster configuration`,
    );
  }
  if (hasStarted(self)) throw bootstrapped(self);
  return { owner: { memberId: self.id, clusterId }, members };
}

/** It has told the cluster where clients find it. */
function hasStarted(member: Member): boolean {
  return member.name !== '' || member.clientUrls.length > 0;
}

function bootstrapped({ id }: Member): BootstrapError {
  const hex = formatId(id);
  return new BootstrapError(
    `member ${hex} has already been bootstrapped: its data is not in this data folder. Bring the folder back; or, if ` +
      `it is lost, remove the member (etcdctl member remove ${hex}), add it again (etcdctl member add), and start it ` +
      'with --initial-cluster-state=existing',
  );
}

function describe(member: Member): string {
  return `&{ID:${formatId(member.id)} Name:${member.name} PeerURLs:[${member.peerUrls.join(' ')}]}`;
}

function hrefs(member: InitialMember): string[] {
  return member.peerUrls.map(({ href }) => href);
}

/** `localhost` and its usual address are the same place; other names only themselves. */
function sameUrls(listed: InitialMember, member: Member): boolean {
  const comparable = (urls: readonly string[]) =>
    urls.map((url) => url.replace('//localhost:', '//127.0.0.1:')).sort();
  const one = comparable(hrefs(listed));
  const other = comparable(member.peerUrls);
  return one.length === other.length && one.every((url, i) => url === other[i]);
}
