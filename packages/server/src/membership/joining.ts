import type { EndpointUrl } from '../config/endpoint-url.ts';
import type { InitialMember, ServerConfig } from '../config/server-config.ts';
import type { PeerNetwork } from '../peer/node-network.ts';
import type { LogOwner } from '../raft-log.ts';
import { type Member, membersFromJson } from './cluster.ts';
import { founderOf, foundersOf } from './founders.ts';
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
 * Asks the members that --initial-cluster names beside this one for their cluster. Undefined when none of them answers;
 * without members when those that do have none yet.
 */
export async function fetchCluster(
  config: ServerConfig,
  network: Pick<PeerNetwork, 'get'>,
): Promise<KnownCluster | undefined> {
  const urls = config.initialCluster
    .filter(({ name }) => name !== config.name)
    .flatMap(({ peerUrls }) => peerUrls);
  const answers = await Promise.all(urls.map((url) => askMembers(url, network)));
  // A member that has just been started knows nobody yet, another one may.
  return (
    answers.find((known) => known !== undefined && known.members.length > 0) ??
    answers.find(Boolean)
  );
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
  const { initialCluster, name } = config;
  const own = initialCluster.find((listed) => listed.name === name);
  if (own === undefined) {
    throw new BootstrapError(
      `couldn't find local name ${JSON.stringify(name)} in the initial cluster configuration`,
    );
  }
  if (known === undefined || known.members.length === 0) {
    const reason =
      known === undefined
        ? 'could not retrieve cluster information from the given URLs'
        : 'failed to get raft cluster member(s) from the given URLs';
    throw new BootstrapError(`cannot fetch cluster info from peer urls: ${reason}`);
  }
  const { clusterId, members } = known;
  const mismatch = mismatchOf(config, members);
  if (mismatch !== undefined) {
    const told = members.map(describe).join(' ');
    throw new BootstrapError(
      `error validating peerURLs {ClusterID:${formatId(clusterId)} Members:[${told}] RemovedMemberIDs:[]}: ${mismatch}`,
    );
  }
  const self = members.find(({ peerUrls }) => difference(peerUrls, hrefs(own)) === undefined);
  if (self === undefined) {
    throw new BootstrapError(`no member of the cluster has the peer URLs ${hrefs(own).join(',')}`);
  }
  if (hasStarted(self)) throw bootstrapped(self);
  return { owner: { memberId: self.id, clusterId }, members };
}

/** In what --initial-cluster differs from the members there are. */
function mismatchOf(config: ServerConfig, members: readonly Member[]): string | undefined {
  const listed = foundersOf(config);
  if (members.length !== listed.length) return 'member count is unequal';
  for (const { id, peerUrls } of members) {
    let last: string | undefined;
    for (const one of listed) {
      last = difference(peerUrls, one.peerUrls);
      if (last === undefined) break;
    }
    if (last === undefined) continue;
    const told = `${formatId(id)}, [${peerUrls.join(' ')}]`;
    return `PeerURLs: no match found for existing member (${told}), last resolver error (${last})`;
  }
  return undefined;
}

/** It has told the cluster where clients find it. */
export function hasStarted(member: Member): boolean {
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

/** A member as etcd prints it. */
function describe({ id, name, peerUrls, clientUrls, isLearner }: Member): string {
  const raftAttributes = `{PeerURLs:[${peerUrls.join(' ')}] IsLearner:${isLearner}}`;
  const attributes = `{Name:${name} ClientURLs:[${clientUrls.join(' ')}]}`;
  return `&{ID:${formatId(id)} RaftAttributes:${raftAttributes} Attributes:${attributes}}`;
}

function hrefs(member: InitialMember): string[] {
  return member.peerUrls.map(({ href }) => href);
}

/**
 * In what two members' URLs differ, undefined if they don't. `localhost` and its usual address are the same place; other
 * names only themselves.
 */
function difference(known: readonly string[], listed: readonly string[]): string | undefined {
  if (known.length !== listed.length) return `len(${quoted(known)}) != len(${quoted(listed)})`;
  const others = comparable(listed);
  for (const [i, url] of comparable(known).entries()) {
    const other = others[i] ?? '';
    if (url !== other) {
      return `resolved urls: ${JSON.stringify(url)} != ${JSON.stringify(other)}`;
    }
  }
  return undefined;
}

function comparable(urls: readonly string[]): string[] {
  return urls.map((url) => url.replace('//localhost:', '//127.0.0.1:')).sort();
}

function quoted(urls: readonly string[]): string {
  return `[${urls.map((url) => JSON.stringify(url)).join(' ')}]`;
}
