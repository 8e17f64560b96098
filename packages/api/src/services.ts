import type { DescService } from '@bufbuild/protobuf';
import { Auth } from './gen/etcdserverpb/auth_pb.ts';
import { Cluster } from './gen/etcdserverpb/cluster_pb.ts';
import { KV } from './gen/etcdserverpb/kv_pb.ts';
import { Lease } from './gen/etcdserverpb/lease_pb.ts';
import { Maintenance } from './gen/etcdserverpb/maintenance_pb.ts';
import { Watch } from './gen/etcdserverpb/watch_pb.ts';
import { Health } from './gen/grpc/health/v1/health_pb.ts';
import { Election } from './gen/v3electionpb/v3election_pb.ts';
import { Lock } from './gen/v3lockpb/v3lock_pb.ts';

/** Every gRPC service that an etcd member offers. Reflection is not among them: etcd has none. */
export const etcdServices: readonly DescService[] = [
  KV,
  Watch,
  Lease,
  Cluster,
  Maintenance,
  Auth,
  Lock,
  Election,
  Health,
];
