import type { ServerConfig } from '../config/server-config.ts';
import type { LogOwner } from '../raft-log.ts';
import type { Member } from './cluster.ts';
import { clusterIdOf, memberIdOf } from './ids.ts';

type Founding = Pick<
  ServerConfig,
  'name' | 'initialCluster' | 'initialClusterToken' | 'initialAdvertisePeerUrls'
>;

/** The members that --initial-cluster names, by ascending id: every founder has the same list. */
export function foundersOf(config: Founding): Member[] {
  const members = config.initialCluster.map(({ peerUrls }): Member => {
    const urls = peerUrls.map(({ href }) => href);
    const id = memberIdOf(urls, config.initialClusterToken);
    return { id, name: '', peerUrls: urls, clientUrls: [], isLearner: false };
  });
  return members.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Which of the founders this member is, and what they found: its id comes from the URLs that all of them know. */
export function founderOf(config: Founding): LogOwner {
  const listed = config.initialCluster.find(({ name }) => name === config.name);
  const own = listed?.peerUrls ?? config.initialAdvertisePeerUrls;
  return {
    memberId: memberIdOf(
      own.map(({ href }) => href),
      config.initialClusterToken,
    ),
    clusterId: clusterIdOf(foundersOf(config).map(({ id }) => id)),
  };
}
