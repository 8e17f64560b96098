import { clusterVersion } from '@kvorum/api';
import { parseEndpointUrl } from '../config/endpoint-url.ts';
import type { PeerNetwork } from '../peer/node-network.ts';
import type { Member } from './cluster.ts';
import { formatId } from './ids.ts';
import { BootstrapError, type Joining } from './joining.ts';
import { isAtLeast, isVersion, MIN_CLUSTER_VERSION } from './semantic-version.ts';

/**
 * Asks the members of a cluster for its version, as etcd does: one that this member can't be part of keeps it from
 * joining, and so does that nobody tells one. Rejects with `BootstrapError`.
 */
export async function refuseIncompatible(
  { owner, members }: Joining,
  network: Pick<PeerNetwork, 'get'>,
): Promise<void> {
  const others = members.filter(({ id }) => id !== owner.memberId);
  const answers = await Promise.all(others.map((member) => askVersion(member, network)));
  const told = answers.filter((answer) => answer !== undefined);
  const foreign = told.filter(({ version }) => !isTaken(version));
  if (told.length > 0 && foreign.length === 0) return;
  const reason =
    told.length === 0
      ? 'no member of it tells its version'
      : `${foreign.map(({ id, version }) => `${formatId(id)} says that it is ${version}`).join(', ')}`;
  throw new BootstrapError(
    `incompatible with current running cluster: ${reason}; ` +
      `this member takes part in clusters of version ${MIN_CLUSTER_VERSION} to ${clusterVersion}`,
  );
}

interface ToldVersion {
  readonly id: bigint;
  readonly version: string;
}

/** The version of the cluster as a member tells it; undefined when it doesn't. */
async function askVersion(
  { id, peerUrls }: Member,
  network: Pick<PeerNetwork, 'get'>,
): Promise<ToldVersion | undefined> {
  for (const url of peerUrls) {
    try {
      const { status, body } = await network.get(parseEndpointUrl(url), '/version');
      const page: unknown = JSON.parse(body);
      if (status !== 200 || typeof page !== 'object' || page === null) continue;
      const version = 'etcdcluster' in page ? page.etcdcluster : undefined;
      if (typeof version === 'string' && isVersion(version)) return { id, version };
    } catch {
      // It doesn't run, or not there; there may be another URL, or another member.
    }
  }
  return undefined;
}

function isTaken(version: string): boolean {
  return isAtLeast(version, MIN_CLUSTER_VERSION) && isAtLeast(clusterVersion, version);
}
