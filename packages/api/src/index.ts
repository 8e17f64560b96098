// The client API, flat: its names are unique.

export {
  EtcdError,
  type EtcdErrorCode,
  type EtcdErrorRow,
  errorFromStatus,
  etcdErrors,
  grpcStatus,
} from './errors.ts';
export * from './gen/authpb/auth_pb.ts';
export * from './gen/etcdserverpb/auth_pb.ts';
export * from './gen/etcdserverpb/cluster_pb.ts';
export * from './gen/etcdserverpb/header_pb.ts';
export * from './gen/etcdserverpb/kv_pb.ts';
export * from './gen/etcdserverpb/lease_pb.ts';
export * from './gen/etcdserverpb/maintenance_pb.ts';
// What members say to each other and keep on disk.
export * from './gen/etcdserverpb/metadata_pb.ts';
export * from './gen/etcdserverpb/raft_internal_pb.ts';
export * from './gen/etcdserverpb/watch_pb.ts';
// Packages whose names would clash, each under its own.
export * as health from './gen/grpc/health/v1/health_pb.ts';
export * as reflectionV1 from './gen/grpc/reflection/v1/reflection_pb.ts';
export * as reflectionV1alpha from './gen/grpc/reflection/v1alpha/reflection_pb.ts';
export * as leasepb from './gen/leasepb/lease_pb.ts';
export * as membershippb from './gen/membershippb/membership_pb.ts';
export * from './gen/mvccpb/kv_pb.ts';
export * as raftpb from './gen/raftpb/raft_pb.ts';
export * as snappb from './gen/snappb/snap_pb.ts';
export * from './gen/v3electionpb/v3election_pb.ts';
export * from './gen/v3lockpb/v3lock_pb.ts';
export * as walpb from './gen/walpb/record_pb.ts';
export { etcdServices } from './services.ts';
export { apiVersion, clusterVersion } from './version.ts';
