import { clusterVersion, EtcdError } from '@kvorum/api';
import type { Logger } from '../logging/logger.ts';
import type { Proposer } from '../proposer.ts';
import type { Cluster } from './cluster.ts';
import { minorVersionOf } from './semantic-version.ts';

export interface DowngradesOptions {
  readonly cluster: Cluster;
  readonly proposer: Proposer;
  /** Resolves when everything is applied that any member had acknowledged before. Rejects with `EtcdError`. */
  readonly catchUp: () => Promise<void>;
  readonly logger: Logger;
}

/**
 * Lets the cluster be of the minor version before its own, so that members of that version may join: one at a time is
 * stopped, and started again with the older program. Cancelling gives the cluster the version of this member.
 */
export class Downgrades {
  readonly #options: DowngradesOptions;

  constructor(options: DowngradesOptions) {
    this.#options = options;
  }

  /**
   * Whether the cluster can be downgraded to a version such as `3.6` or `3.6.1`. Resolves to the version that it has.
   * Rejects with `EtcdError`.
   */
  async validate(target: string): Promise<string> {
    return (await this.#check(target)).version;
  }

  /** Begins it; resolves to the version that the cluster had. Rejects with `EtcdError`. */
  async enable(target: string): Promise<string> {
    const { proposer, logger } = this.#options;
    const checked = await this.#check(target);
    const version = `${checked.target}.0`;
    await proposer.proposeOwn({ kind: 'downgradeInfoSet', isEnabled: true, version });
    logger.info('the cluster is ready to be downgraded', {
      'target-version': version,
      'cluster-version': checked.version,
    });
    return checked.version;
  }

  /** Ends it; resolves to the version that the cluster had. Rejects with `EtcdError`. */
  async cancel(): Promise<string> {
    const { cluster, proposer, logger, catchUp } = this.#options;
    await catchUp();
    const version = versionOf(cluster);
    if (cluster.downgradeTarget === undefined) {
      logger.warn('no downgrade of the cluster is under way; there is nothing to cancel');
      return version;
    }
    await proposer.proposeOwn({
      kind: 'downgradeInfoSet',
      isEnabled: false,
      version: clusterVersion,
    });
    logger.info('the downgrade of the cluster is cancelled', { 'cluster-version': clusterVersion });
    return version;
  }

  async #check(text: string): Promise<{ version: string; target: string }> {
    const { cluster, catchUp } = this.#options;
    const target = minorVersionOf(text);
    if (target === undefined) throw new EtcdError('wrongDowngradeVersionFormat');
    await catchUp();
    const version = versionOf(cluster);
    const [major, minor] = version.split('.').map(Number);
    if (target !== `${major}.${Number(minor) - 1}`) {
      throw new EtcdError('invalidDowngradeTargetVersion');
    }
    if (cluster.downgradeTarget !== undefined) throw new EtcdError('downgradeInProcess');
    return { version, target };
  }
}

function versionOf({ version }: Cluster): string {
  if (version === undefined) throw new EtcdError('clusterVersionUnavailable');
  return version;
}
