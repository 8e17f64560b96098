import { parseEndpointUrls } from '../config/endpoint-url.ts';
import { parseInitialCluster, verifyBootstrap } from '../config/initial-cluster.ts';
import type { Member } from '../membership/cluster.ts';
import { clusterIdOf, memberIdOf } from '../membership/ids.ts';

/** The flags that say which cluster a snapshot is restored into. */
export interface ClusterFlags {
  /** --name */
  readonly name: string;
  /** --initial-cluster */
  readonly initialCluster: string;
  /** --initial-cluster-token */
  readonly initialClusterToken: string;
  /** --initial-advertise-peer-urls */
  readonly initialAdvertisePeerUrls: string;
}

/** A cluster that begins with a snapshot. Each of its members is restored with the same --initial-cluster and token. */
export interface RestoredCluster {
  readonly clusterId: bigint;
  /** Who this data folder is of. */
  readonly memberId: bigint;
  /** By ascending id. */
  readonly members: readonly Member[];
}

/** Ids come from URLs and token, as those of the founders of a cluster do. Throws `ConfigError`. */
export function restoredCluster(flags: ClusterFlags): RestoredCluster {
  const { name, initialClusterToken: token } = flags;
  const initialAdvertisePeerUrls = parseEndpointUrls(flags.initialAdvertisePeerUrls);
  const initialCluster = parseInitialCluster(flags.initialCluster, '');
  verifyBootstrap({ name, initialCluster, initialClusterState: 'new', initialAdvertisePeerUrls });
  const members = initialCluster.map((member): Member => {
    const peerUrls = member.peerUrls.map(({ href }) => href);
    const id = memberIdOf(peerUrls, token);
    return { id, name: member.name, peerUrls, clientUrls: [], isLearner: false };
  });
  const own = initialAdvertisePeerUrls.map(({ href }) => href);
  return {
    clusterId: clusterIdOf(members.map(({ id }) => id)),
    memberId: members.find((member) => member.name === name)?.id ?? memberIdOf(own, token),
    members: members.sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
