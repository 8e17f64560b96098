import { parseInitialCluster, refuseDuplicates } from '../config/initial-cluster.ts';
import type { InitialMember } from '../config/server-config.ts';
import { joinError } from './discovery-error.ts';

/**
 * The founding members from what each of them registered, `name=url[,name=url…]`. Throws `DiscoveryError`, and
 * `ConfigError` when two of them have one URL. `invalidUrl` is etcd's text for what can't be read.
 */
export function registeredMembers(
  entries: readonly string[],
  size: number,
  invalidUrl: string,
): readonly InitialMember[] {
  let members: readonly InitialMember[];
  try {
    members = parseInitialCluster(entries.join(','));
  } catch {
    throw joinError('invalidUrl', invalidUrl);
  }
  if (members.length !== size) throw joinError('duplicateName', 'discovery: found duplicate name');
  refuseDuplicates(members, 'discovery');
  return members;
}
