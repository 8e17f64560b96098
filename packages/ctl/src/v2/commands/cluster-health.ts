import { pause } from '../../pause.ts';
import type { ClusterApi, V2Member } from '../cluster-api.ts';
import type { V2Call } from '../v2-command.ts';
import { v2ExitCodes, v2Failure } from '../v2-errors.ts';
import { reasonOf } from '../v2-http.ts';
import { options } from '../v2-options.ts';

const healthRequest = { method: 'GET', path: '/health' } as const;

/** Between two looks, in ms. */
const intervalMs = 10_000;

/** Asks each member whether it is well. */
export async function clusterHealth(call: V2Call): Promise<number> {
  const cluster = await call.cluster();
  let members: readonly V2Member[];
  try {
    members = await cluster.list(call.deadline);
  } catch (error) {
    call.writeLine('cluster may be unhealthy: failed to list members');
    throw v2Failure(v2ExitCodes.serverError, error);
  }
  const isForever = call.flags.get(options.healthForever);
  // A member that begins an answer and never ends it holds nobody up.
  const signal = isForever ? call.host.interrupted() : call.deadline;
  for (;;) {
    let healthy = 0;
    for (const member of members) if (await isHealthy(call, cluster, member, signal)) healthy++;
    call.writeLine(`cluster is ${verdict(healthy, members.length)}`);
    if (!isForever) return healthy === members.length ? v2ExitCodes.ok : v2ExitCodes.unhealthy;
    call.writeLine('\nnext check after 10 second...\n');
    await pause(call.host, intervalMs, signal);
    if (signal.aborted) return v2ExitCodes.ok;
  }
}

function verdict(healthy: number, all: number): string {
  if (healthy === all) return 'healthy';
  return healthy === 0 ? 'unavailable' : 'degraded';
}

/** Asks at one client URL after the other, and writes a line about it. */
async function isHealthy(
  call: V2Call,
  cluster: ClusterApi,
  { id, clientURLs }: V2Member,
  signal: AbortSignal,
): Promise<boolean> {
  if (clientURLs.length === 0) {
    call.writeLine(`member ${id} is unreachable: no available published client urls`);
    return false;
  }
  for (const url of clientURLs) {
    try {
      const { body } = await cluster.http.askOne(url, healthRequest, signal);
      const { health } = JSON.parse(body) as { readonly health?: unknown };
      const isWell = health === 'true' || health === true;
      const state = isWell ? 'healthy' : 'unhealthy';
      call.writeLine(`member ${id} is ${state}: got ${state} result from ${url}`);
      return isWell;
    } catch (error) {
      const reason = `Get "${url}/health": ${reasonOf(error as NodeJS.ErrnoException, url)}`;
      call.writeLine(`failed to check the health of member ${id} on ${url}: ${reason}`);
    }
  }
  call.writeLine(`member ${id} is unreachable: [${clientURLs.join(' ')}] are all unreachable`);
  return false;
}
