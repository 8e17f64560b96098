import { ClientError } from '@kvorum/client';
import { ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import { errorText } from '../../program/error-text.ts';
import type { Invocation } from '../../program/invocation.ts';

export const clusterFlags = {
  cluster: booleanFlag('use all endpoints from the cluster member list'),
};

/** The endpoints of --endpoints, or with --cluster those of all members. Rejects with `ExitError`. */
export async function wantedEndpoints(
  invocation: Invocation<typeof clusterFlags>,
): Promise<readonly string[]> {
  if (!invocation.flags.cluster) return await invocation.endpoints();
  const client = await invocation.client();
  try {
    const request = { linearizable: true };
    const { members } = await client.cluster.memberList(request, invocation.callOptions());
    return members.flatMap((member) => member.clientURLs);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const text = `failed to fetch endpoints from etcd cluster member list: ${errorText(error)}`;
    throw new ExitError(exitCodes.error, text);
  }
}
