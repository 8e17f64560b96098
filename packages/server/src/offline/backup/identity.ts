import type { Member } from '../../membership/cluster.ts';

/** Who a backup is of: nobody who ever was. */
export interface Identity {
  readonly clusterId: bigint;
  /** The member that etcd makes of the backup, when it is started on it with --force-new-cluster. */
  readonly memberId: bigint;
  /**
   * Has the only vote until then, where the log begins with a snapshot, so that nothing is started on a backup without
   * that flag.
   */
  readonly placeholder: Member;
}

/** `random` gives numbers in [0, 1). */
export function newIdentity(random: () => number): Identity {
  return {
    clusterId: newId(random),
    memberId: newId(random),
    placeholder: {
      id: newId(random),
      name: 'etcdctl-v2-backup',
      peerUrls: ['http://use-flag--force-new-cluster:2080'],
      clientUrls: [],
      isLearner: false,
    },
  };
}

/** 64 bits, and not all of them zero: etcd takes 0 for nobody. */
function newId(random: () => number): bigint {
  const half = () => BigInt(Math.floor(random() * 2 ** 32));
  return (half() << 32n) | half() || 1n;
}
