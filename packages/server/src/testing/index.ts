export { SimCluster, type SimNetwork } from './sim-cluster.ts';
export { CallError, SimMember, type SimStorage } from './sim-member.ts';
export { SimClock, SimTime } from './sim-time.ts';
