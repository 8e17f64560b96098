import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { GrpcMethod, GrpcService } from '@kvorum/h2';
import { MessagePlan } from './json/message-plan.ts';

/**
 * Where etcd's methods are bound below /v3, by service and method. All are POST with the request as the body. What has
 * no line here is reached by gRPC and Connect alone: KV/RangeStream and the health service.
 */
const bindings: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'etcdserverpb.KV': {
    Range: ['kv/range'],
    Put: ['kv/put'],
    DeleteRange: ['kv/deleterange'],
    Txn: ['kv/txn'],
    Compact: ['kv/compaction'],
  },
  'etcdserverpb.Watch': { Watch: ['watch'] },
  'etcdserverpb.Lease': {
    LeaseGrant: ['lease/grant'],
    LeaseRevoke: ['lease/revoke', 'kv/lease/revoke'],
    LeaseKeepAlive: ['lease/keepalive'],
    LeaseTimeToLive: ['lease/timetolive', 'kv/lease/timetolive'],
    LeaseLeases: ['lease/leases', 'kv/lease/leases'],
  },
  'etcdserverpb.Cluster': {
    MemberAdd: ['cluster/member/add'],
    MemberRemove: ['cluster/member/remove'],
    MemberUpdate: ['cluster/member/update'],
    MemberList: ['cluster/member/list'],
    MemberPromote: ['cluster/member/promote'],
  },
  'etcdserverpb.Maintenance': {
    Alarm: ['maintenance/alarm'],
    Status: ['maintenance/status'],
    Defragment: ['maintenance/defragment'],
    Hash: ['maintenance/hash'],
    HashKV: ['maintenance/hashkv'],
    Snapshot: ['maintenance/snapshot'],
    MoveLeader: ['maintenance/transfer-leadership'],
    Downgrade: ['maintenance/downgrade'],
  },
  'etcdserverpb.Auth': {
    AuthEnable: ['auth/enable'],
    AuthDisable: ['auth/disable'],
    AuthStatus: ['auth/status'],
    Authenticate: ['auth/authenticate'],
    UserAdd: ['auth/user/add'],
    UserGet: ['auth/user/get'],
    UserList: ['auth/user/list'],
    UserDelete: ['auth/user/delete'],
    UserChangePassword: ['auth/user/changepw'],
    UserGrantRole: ['auth/user/grant'],
    UserRevokeRole: ['auth/user/revoke'],
    RoleAdd: ['auth/role/add'],
    RoleGet: ['auth/role/get'],
    RoleList: ['auth/role/list'],
    RoleDelete: ['auth/role/delete'],
    RoleGrantPermission: ['auth/role/grant'],
    RoleRevokePermission: ['auth/role/revoke'],
  },
  'v3lockpb.Lock': { Lock: ['lock/lock'], Unlock: ['lock/unlock'] },
  'v3electionpb.Election': {
    Campaign: ['election/campaign'],
    Proclaim: ['election/proclaim'],
    Leader: ['election/leader'],
    Observe: ['election/observe'],
    Resign: ['election/resign'],
  },
};

/** A method behind a path of the gateway. */
export interface BoundMethod {
  /** As gRPC knows it, such as `/etcdserverpb.KV/Put`. */
  readonly grpcPath: string;
  readonly kind: DescMethod['methodKind'];
  /** Undefined where the member doesn't serve it. */
  readonly method: GrpcMethod | undefined;
  readonly input: MessagePlan;
  readonly output: MessagePlan;
}

/** Every path of the gateway, such as `/v3/kv/put`. */
export function bindMethods(
  services: readonly DescService[],
  methods: GrpcService,
): ReadonlyMap<string, BoundMethod> {
  const bound = new Map<string, BoundMethod>();
  for (const service of services) {
    for (const desc of service.methods) {
      const grpcPath = `/${service.typeName}/${desc.name}`;
      const method = methods.get(grpcPath);
      for (const path of bindings[service.typeName]?.[desc.name] ?? []) {
        bound.set(`/v3/${path}`, {
          grpcPath,
          kind: desc.methodKind,
          method,
          input: MessagePlan.of(desc.input),
          output: MessagePlan.of(desc.output),
        });
      }
    }
  }
  return bound;
}
