/** The level of etcdctl that kvctl is compatible with. */
export const etcdctlVersion = '3.7.1';

/** The level of etcd's API that goes with it. */
export const apiLevel = '3.7';

/** Kvorum's own version of these tools; equals `version` in this package's package.json (a test holds that). */
export const kvorumVersion = '0.0.0';
