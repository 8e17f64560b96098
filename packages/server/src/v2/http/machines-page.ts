import type { HttpReply } from '../../http/http-message.ts';
import type { Cluster } from '../../membership/cluster.ts';
import { methodNotAllowed } from './replies.ts';

/** /v2/machines: the addresses for clients of all members. */
export function machinesPage(method: string, cluster: Cluster): HttpReply {
  if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed(['GET', 'HEAD']);
  const urls = cluster.members().flatMap(({ clientUrls }) => clientUrls);
  const headers: [string, string][] = [['Content-Type', 'text/plain; charset=utf-8']];
  return { status: 200, headers, body: urls.sort().join(', ') };
}
