import { readFileSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { type DescFile, fromBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import * as api from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { realEtcd } from '../framework/real-etcd.ts';

// A Go program carries the descriptors of its messages with it, gzipped. So the real etcd can be asked what
// its wire contract is, and ours must say the same of every field, value and method.

const real = realEtcd('3.5');

const ours: readonly DescFile[] = [
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
  api.membershippb.file_membershippb_membership,
  api.raftpb.file_raftpb_raft,
  api.walpb.file_walpb_record,
  api.snappb.file_snappb_snap,
];

/** What a file defines: number and type by the full name of each field, value and method. */
function definitions(file: FileDescriptorProto): Map<string, string> {
  const found = new Map<string, string>();
  const addEnum = (scope: string, desc: EnumDescriptorProto) => {
    for (const value of desc.value)
      found.set(`${scope}.${desc.name}.${value.name}`, `${value.number}`);
  };
  const addMessage = (scope: string, desc: DescriptorProto) => {
    const name = `${scope}.${desc.name}`;
    for (const field of desc.field) {
      const type = `${field.type} ${field.typeName} ${field.label} ${field.oneofIndex}`;
      found.set(`${name}.${field.name}`, `${field.number} ${type}`);
    }
    for (const nested of desc.nestedType) addMessage(name, nested);
    for (const nested of desc.enumType) addEnum(name, nested);
  };
  for (const message of file.messageType) addMessage(file.package, message);
  for (const desc of file.enumType) addEnum(file.package, desc);
  for (const service of file.service) {
    for (const method of service.method) {
      const input = `${method.inputType} ${method.clientStreaming}`;
      const output = `${method.outputType} ${method.serverStreaming}`;
      found.set(`${file.package}.${service.name}/${method.name}`, `${input} ${output}`);
    }
  }
  return found;
}

/** The file that a gzip stream at an offset holds; undefined when there is something else. */
function fileAt(program: Buffer, offset: number): FileDescriptorProto | undefined {
  try {
    const stream = program.subarray(offset, offset + 100_000);
    const content = gunzipSync(stream, { finishFlush: constants.Z_SYNC_FLUSH });
    return fromBinary(FileDescriptorProtoSchema, content);
  } catch {
    return undefined;
  }
}

function filesInside(program: Buffer): FileDescriptorProto[] {
  const magic = Buffer.from([0x1f, 0x8b, 0x08]);
  const files: FileDescriptorProto[] = [];
  for (let at = program.indexOf(magic); at >= 0; at = program.indexOf(magic, at + 1)) {
    const file = fileAt(program, at);
    if (file !== undefined) files.push(file);
  }
  return files;
}

/** What 3.5 has and 3.7 has no more: requests of the v2 store. */
const dropped = /^etcdserverpb\.(Request\.|InternalRaftRequest\.v2$)/;

/** Errors that came after 3.5. */
const newerErrors = ['ErrInvalidClientAPIVersion', 'ErrInvalidSortOption'];

describe.skipIf(real === undefined)('the real etcd 3.5', () => {
  const program = real === undefined ? Buffer.alloc(0) : readFileSync(real.etcd);

  it('has the fields, values and methods that our contract has', () => {
    const packages = new Set(ours.map((file) => file.proto.package));
    const theirs = filesInside(program)
      .filter((file) => packages.has(file.package))
      .flatMap((file) => [...definitions(file)])
      .filter(([name]) => !dropped.test(name));
    const known = new Map(ours.flatMap((file) => [...definitions(file.proto)]));
    expect(theirs.length).toBeGreaterThan(400);
    for (const [name, definition] of theirs) expect(known.get(name), name).toBe(definition);
  });

  it('has the error texts that we have', () => {
    const rows = Object.values(api.etcdErrors).filter((row) => !newerErrors.includes(row.name));
    const missing = rows.filter((row) => !program.includes(row.text));
    expect(missing.map((row) => row.name)).toEqual([]);
  });
});
