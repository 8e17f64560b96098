/** Level of etcd's API that this contract describes; what servers report as their version. */
export const apiVersion = '3.7.1';

/** Version that members of a cluster at this level agree on. */
export const clusterVersion = '3.7.0';
