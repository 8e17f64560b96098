import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescService,
  ScalarType,
} from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import * as api from './index.ts';
import { health, reflectionV1, reflectionV1alpha } from './index.ts';

// testdata/contract.txt lists every method, field and number of the wire contract. It changes only when
// etcd's API grows; to rewrite it: KVORUM_UPDATE=1 vitest run packages/api

const listing = join(import.meta.dirname, '../testdata/contract.txt');

const files: readonly DescFile[] = [
  api.file_etcdserverpb_header,
  api.file_etcdserverpb_kv,
  api.file_etcdserverpb_watch,
  api.file_etcdserverpb_lease,
  api.file_etcdserverpb_cluster,
  api.file_etcdserverpb_maintenance,
  api.file_etcdserverpb_auth,
  api.file_etcdserverpb_raft_internal,
  api.file_etcdserverpb_metadata,
  api.file_mvccpb_kv,
  api.file_authpb_auth,
  api.file_v3lockpb_v3lock,
  api.file_v3electionpb_v3election,
  api.leasepb.file_leasepb_lease,
  api.membershippb.file_membershippb_membership,
  api.raftpb.file_raftpb_raft,
  api.walpb.file_walpb_record,
  api.snappb.file_snappb_snap,
  health.file_grpc_health_v1_health,
  reflectionV1.file_grpc_reflection_v1_reflection,
  reflectionV1alpha.file_grpc_reflection_v1alpha_reflection,
];

function describeService(service: DescService): string[] {
  return service.methods.map((method) => {
    const request = (method.proto.clientStreaming ? 'stream ' : '') + method.input.typeName;
    const response = (method.proto.serverStreaming ? 'stream ' : '') + method.output.typeName;
    return `/${service.typeName}/${method.name}: ${request} -> ${response}`;
  });
}

function typeOf(field: DescField): string {
  if (field.fieldKind === 'map') return `map<string, ${field.message?.typeName}>`;
  const scalar = field.scalar === undefined ? undefined : ScalarType[field.scalar].toLowerCase();
  const type = field.message?.typeName ?? field.enum?.typeName ?? scalar;
  return field.fieldKind === 'list' ? `repeated ${type}` : `${type}`;
}

function describeMessage(message: DescMessage): string[] {
  return [
    message.typeName,
    ...message.fields.map((field) => {
      const oneof = field.oneof === undefined ? '' : ` (${field.oneof.name})`;
      return `  ${field.name}=${field.number} ${typeOf(field)}${oneof}`;
    }),
    ...message.nestedMessages
      .filter((nested) => !nested.proto.options?.mapEntry)
      .flatMap(describeMessage),
    ...message.nestedEnums.flatMap(describeEnum),
  ];
}

function describeEnum(desc: DescEnum): string[] {
  return [
    `enum ${desc.typeName}`,
    ...desc.values.map((value) => `  ${value.name}=${value.number}`),
  ];
}

function describeFile(file: DescFile): string[] {
  return [
    ...file.services.flatMap(describeService),
    ...file.messages.flatMap(describeMessage),
    ...file.enums.flatMap(describeEnum),
  ];
}

describe('the wire contract', () => {
  it('has the methods, fields and numbers that are listed', () => {
    const actual = `${files.flatMap(describeFile).join('\n')}\n`;
    if (process.env.KVORUM_UPDATE !== undefined) writeFileSync(listing, actual);
    expect(actual).toBe(readFileSync(listing, 'utf8'));
  });

  it('offers the services of an etcd member and no others', () => {
    const methods = api.etcdServices.flatMap((service) =>
      service.methods.map((method) => `${service.typeName}/${method.name}`),
    );
    expect(methods).toEqual([
      'etcdserverpb.KV/Range',
      'etcdserverpb.KV/RangeStream',
      'etcdserverpb.KV/Put',
      'etcdserverpb.KV/DeleteRange',
      'etcdserverpb.KV/Txn',
      'etcdserverpb.KV/Compact',
      'etcdserverpb.Watch/Watch',
      'etcdserverpb.Lease/LeaseGrant',
      'etcdserverpb.Lease/LeaseRevoke',
      'etcdserverpb.Lease/LeaseKeepAlive',
      'etcdserverpb.Lease/LeaseTimeToLive',
      'etcdserverpb.Lease/LeaseLeases',
      'etcdserverpb.Cluster/MemberAdd',
      'etcdserverpb.Cluster/MemberRemove',
      'etcdserverpb.Cluster/MemberUpdate',
      'etcdserverpb.Cluster/MemberList',
      'etcdserverpb.Cluster/MemberPromote',
      'etcdserverpb.Maintenance/Alarm',
      'etcdserverpb.Maintenance/Status',
      'etcdserverpb.Maintenance/Defragment',
      'etcdserverpb.Maintenance/Hash',
      'etcdserverpb.Maintenance/HashKV',
      'etcdserverpb.Maintenance/Snapshot',
      'etcdserverpb.Maintenance/MoveLeader',
      'etcdserverpb.Maintenance/Downgrade',
      'etcdserverpb.Auth/AuthEnable',
      'etcdserverpb.Auth/AuthDisable',
      'etcdserverpb.Auth/AuthStatus',
      'etcdserverpb.Auth/Authenticate',
      'etcdserverpb.Auth/UserAdd',
      'etcdserverpb.Auth/UserGet',
      'etcdserverpb.Auth/UserList',
      'etcdserverpb.Auth/UserDelete',
      'etcdserverpb.Auth/UserChangePassword',
      'etcdserverpb.Auth/UserGrantRole',
      'etcdserverpb.Auth/UserRevokeRole',
      'etcdserverpb.Auth/RoleAdd',
      'etcdserverpb.Auth/RoleGet',
      'etcdserverpb.Auth/RoleList',
      'etcdserverpb.Auth/RoleDelete',
      'etcdserverpb.Auth/RoleGrantPermission',
      'etcdserverpb.Auth/RoleRevokePermission',
      'v3lockpb.Lock/Lock',
      'v3lockpb.Lock/Unlock',
      'v3electionpb.Election/Campaign',
      'v3electionpb.Election/Proclaim',
      'v3electionpb.Election/Leader',
      'v3electionpb.Election/Observe',
      'v3electionpb.Election/Resign',
      'grpc.health.v1.Health/Check',
      'grpc.health.v1.Health/List',
      'grpc.health.v1.Health/Watch',
    ]);
  });
});
