import { etcdErrors, type LeaseKeepAliveResponse } from '@kvorum/api';
import { ClientError, type RpcClient } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import type { Host } from '../../host.ts';
import { hexId } from '../../output/go-text.ts';
import { pause } from '../../pause.ts';
import { defineCommand } from '../../program/command.ts';
import { onlyLeaseId } from './lease-arguments.ts';
import { asBadConnection } from './lease-commands.ts';
import { keepAliveRendering } from './lease-renderings.ts';

export const keepAlive = defineCommand({
  use: 'keep-alive [options] <leaseID>',
  flags: {
    once: booleanFlag('Resets the keep-alive time to its original value and exits immediately'),
  },
  run: async (invocation) => {
    const usage = 'lease keep-alive command needs lease ID as argument';
    if (invocation.args.length !== 1) throw badArguments(usage);
    const id = onlyLeaseId(invocation.args, usage);
    const client = await invocation.client();
    if (invocation.flags.once) {
      const response = await renewOnce(client, id).catch(asBadConnection);
      if (response === undefined) {
        throw new ExitError(exitCodes.badConnection, etcdErrors.leaseNotFound.text);
      }
      await invocation.print(keepAliveRendering(response));
      return;
    }
    for await (const response of renewals(client, id, invocation.host)) {
      await invocation.print(keepAliveRendering(response));
    }
    if (invocation.globals()['write-out'] === 'simple') {
      invocation.writeLine(`lease ${hexId(id)} expired or revoked.`);
    }
  },
});

/** Undefined: the server does not know the lease any more. */
async function renewOnce(
  client: RpcClient,
  id: bigint,
): Promise<LeaseKeepAliveResponse | undefined> {
  const stream = client.lease.leaseKeepAlive({ requireLeader: true });
  stream.send({ ID: id });
  for await (const response of stream) return response.TTL > 0n ? response : undefined;
  return undefined;
}

/** Wait after a renewal that failed, in ms. */
const retryMs = 500;

/** Renews a lease three times in its TTL, and says so each time, until it is gone or its time must be over. */
export async function* renewals(
  client: RpcClient,
  id: bigint,
  host: Pick<Host, 'after' | 'now'>,
  signal?: AbortSignal,
): AsyncGenerator<LeaseKeepAliveResponse> {
  let expiresAt = Number.POSITIVE_INFINITY;
  while (signal?.aborted !== true && host.now() < expiresAt) {
    let waitMs = retryMs;
    try {
      const response = await renewOnce(client, id);
      if (response === undefined) return;
      yield response;
      const ttlMs = Number(response.TTL) * 1000;
      expiresAt = host.now() + ttlMs;
      waitMs = ttlMs / 3;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
    }
    await pause(host, waitMs, signal);
  }
}
