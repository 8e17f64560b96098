import { clusterVersion, EtcdError } from '@kvorum/api';
import type {
  ClusterVersionSetRequest,
  MemberAttributesSetRequest,
} from './codec/raft-requests.ts';
import type { Logger } from './logging/logger.ts';
import type { Cluster } from './membership/cluster.ts';
import { formatId } from './membership/ids.ts';
import type { NodeLoop } from './node-loop.ts';
import type { Proposer } from './proposer.ts';

export interface PublishOptions {
  readonly memberId: bigint;
  readonly cluster: Cluster;
  readonly proposer: Proposer;
  readonly logger: Logger;
}

/**
 * Tells the cluster under which name and addresses clients find this member, and which version it speaks. Tries again
 * until a majority has heard it.
 */
export async function publish(
  options: PublishOptions,
  name: string,
  clientUrls: readonly string[],
): Promise<void> {
  const { memberId, cluster } = options;
  await insist(options, { kind: 'memberAttributesSet', memberId, name, clientUrls });
  if (cluster.version !== clusterVersion && cluster.downgradeTarget === undefined) {
    await insist(options, { kind: 'clusterVersionSet', version: clusterVersion });
  }
}

async function insist(
  { proposer, logger, memberId }: PublishOptions,
  request: MemberAttributesSetRequest | ClusterVersionSetRequest,
): Promise<void> {
  for (;;) {
    try {
      await proposer.proposeOwn(request);
      return;
    } catch (error) {
      if (!(error instanceof EtcdError) || !isPassing(error)) throw error;
      logger.warn('failed to publish local member to cluster through raft', {
        'local-member-id': formatId(memberId),
        error,
      });
    }
  }
}

/** Waits, for as long as it takes, until a leader has answered and what it had committed is applied. */
export async function catchUp(loop: NodeLoop, memberId: bigint, logger: Logger): Promise<void> {
  for (;;) {
    const error = await new Promise<EtcdError | undefined>((resolve) => {
      loop.linearizableRead({ run: () => resolve(undefined), fail: resolve });
    });
    if (error === undefined) return;
    if (!isPassing(error)) throw error;
    logger.warn('waiting for a majority of the members', {
      'local-member-id': formatId(memberId),
    });
  }
}

/** Whether a request may succeed when it is made again. */
function isPassing(error: EtcdError): boolean {
  return error.code === 'timeout' || error.code === 'timeoutDueToLeaderFail';
}
