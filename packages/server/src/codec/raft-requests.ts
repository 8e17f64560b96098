import type { ConfChange } from '@kvorum/raft';
import type { Caller } from '../auth/caller.ts';
import {
  type AuthRequest,
  decodeAuthField,
  encodeAuthRequest,
  isAuthRequest,
} from './auth-requests.ts';
import { int64Words } from './int64-words.ts';
import {
  type DeleteRangeRequest,
  decodeDeleteRange,
  decodePut,
  decodeTxn,
  type PutRequest,
  type TxnRequest,
} from './kv-requests.ts';
import { ProtoReader } from './proto-reader.ts';
import { ProtoWriter } from './proto-writer.ts';
import { decodeV2Request, encodeV2Request, V2_TAG, type V2Request } from './v2-request.ts';

export interface CompactionRequest {
  readonly kind: 'compaction';
  readonly revision: number;
  readonly physical: boolean;
}

export interface LeaseGrantRequest {
  readonly kind: 'leaseGrant';
  readonly id: bigint;
  readonly ttlSeconds: number;
}

export interface LeaseRevokeRequest {
  readonly kind: 'leaseRevoke';
  readonly id: bigint;
}

export interface LeaseCheckpointRequest {
  readonly kind: 'leaseCheckpoint';
  readonly checkpoints: readonly { readonly id: bigint; readonly remainingSeconds: number }[];
}

/** etcdserverpb.AlarmRequest: action GET=0, ACTIVATE=1, DEACTIVATE=2; alarm NONE=0, NOSPACE=1, CORRUPT=2. */
export interface AlarmRequest {
  readonly kind: 'alarm';
  readonly action: number;
  readonly memberId: bigint;
  readonly alarm: number;
}

export interface ClusterVersionSetRequest {
  readonly kind: 'clusterVersionSet';
  readonly version: string;
}

/** Begins or ends a downgrade of the cluster. */
export interface DowngradeInfoSetRequest {
  readonly kind: 'downgradeInfoSet';
  readonly isEnabled: boolean;
  /** Of the cluster from then on, such as `3.6.0`. etcd leaves it out where it ends one. */
  readonly version: string;
}

export interface MemberAttributesSetRequest {
  readonly kind: 'memberAttributesSet';
  readonly memberId: bigint;
  readonly name: string;
  readonly clientUrls: readonly string[];
}

/** A change of the membership: an entry of a kind of its own. */
export interface MembershipRequest {
  readonly kind: 'membership';
  readonly change: ConfChange;
}

/** Everything that goes through the Raft log as a normal entry. */
export type RaftRequest =
  | PutRequest
  | DeleteRangeRequest
  | TxnRequest
  | CompactionRequest
  | LeaseGrantRequest
  | LeaseRevokeRequest
  | LeaseCheckpointRequest
  | AlarmRequest
  | ClusterVersionSetRequest
  | MemberAttributesSetRequest
  | DowngradeInfoSetRequest
  | V2Request
  | AuthRequest;

/** Tags of the requests inside etcdserverpb.InternalRaftRequest (field << 3 | 2). */
export const PUT_TAG = 0x22;
export const DELETE_RANGE_TAG = 0x2a;
export const TXN_TAG = 0x32;
export const COMPACTION_TAG = 0x3a;
const LEASE_GRANT_TAG = 0x42;
const LEASE_REVOKE_TAG = 0x4a;
const ALARM_TAG = 0x52;
const LEASE_CHECKPOINT_TAG = 0x5a;
const HEADER_TAG = (100 << 3) | 2;
const CLUSTER_VERSION_SET_TAG = (1300 << 3) | 2;
const MEMBER_ATTRIBUTES_SET_TAG = (1301 << 3) | 2;
const DOWNGRADE_INFO_SET_TAG = (1302 << 3) | 2;

const writer = new ProtoWriter(65_536);

/**
 * An InternalRaftRequest around a request as the client sent it: the bytes are spliced in, not encoded again.
 * `idHigh` and `idLow` are the halves of the request id; `caller` makes it, or nobody that was asked.
 */
export function wrapRaftRequest(
  tag: number,
  request: Uint8Array,
  idHigh: number,
  idLow: number,
  caller: Caller | undefined,
): Buffer {
  writer.bytes(tag, request);
  const header = requestHeader(idHigh, idLow, caller);
  return writer.bytes(HEADER_TAG, header).take();
}

/** A request that goes into the log in an encoding of the member's own. */
export type EncodedHere = Exclude<RaftRequest, PutRequest | DeleteRangeRequest | TxnRequest>;

/** An InternalRaftRequest around a request that is encoded here; see `wrapRaftRequest`. */
export function encodeRaftRequest(
  request: EncodedHere,
  idHigh: number,
  idLow: number,
  caller?: Caller,
): Buffer {
  const { tag, bytes } = isAuthRequest(request) ? encodeAuthRequest(request) : encodeOwn(request);
  return wrapRaftRequest(tag, bytes, idHigh, idLow, caller);
}

function encodeOwn(request: Exclude<EncodedHere, AuthRequest>): { tag: number; bytes: Uint8Array } {
  const body = new ProtoWriter(128);
  switch (request.kind) {
    case 'compaction':
      writeInt(body, 0x08, request.revision);
      if (request.physical) body.tag(0x10).uint(1);
      return { tag: COMPACTION_TAG, bytes: body.take() };
    case 'leaseGrant':
      writeInt(body, 0x08, request.ttlSeconds);
      body.tag(0x10).int64(request.id);
      return { tag: LEASE_GRANT_TAG, bytes: body.take() };
    case 'leaseRevoke':
      body.tag(0x08).int64(request.id);
      return { tag: LEASE_REVOKE_TAG, bytes: body.take() };
    case 'leaseCheckpoint':
      for (const { id, remainingSeconds } of request.checkpoints) {
        const checkpoint = new ProtoWriter(32).tag(0x08).int64(id);
        writeInt(checkpoint, 0x10, remainingSeconds);
        body.bytes(0x0a, checkpoint.take());
      }
      return { tag: LEASE_CHECKPOINT_TAG, bytes: body.take() };
    case 'alarm':
      writeInt(body, 0x08, request.action);
      body.tag(0x10).int64(request.memberId);
      writeInt(body, 0x18, request.alarm);
      return { tag: ALARM_TAG, bytes: body.take() };
    case 'clusterVersionSet':
      body.text(0x0a, request.version);
      return { tag: CLUSTER_VERSION_SET_TAG, bytes: body.take() };
    case 'downgradeInfoSet':
      if (request.isEnabled) body.tag(0x08).uint(1);
      body.text(0x12, request.version);
      return { tag: DOWNGRADE_INFO_SET_TAG, bytes: body.take() };
    case 'memberAttributesSet': {
      const attributes = new ProtoWriter(128).text(0x0a, request.name);
      for (const url of request.clientUrls) attributes.text(0x12, url);
      body.tag(0x08).int64(request.memberId).bytes(0x12, attributes.take());
      return { tag: MEMBER_ATTRIBUTES_SET_TAG, bytes: body.take() };
    }
    case 'v2':
      return { tag: V2_TAG, bytes: encodeV2Request(request) };
  }
}

/** A request as it was replicated, with the two halves of its id. */
export interface DecodedEntry {
  /** `undefined` means that the entry holds nothing to apply, such as the empty entry of a new leader. */
  readonly request: RaftRequest | undefined;
  readonly idHigh: number;
  readonly idLow: number;
  /** Who made the request; undefined when nobody was asked. */
  readonly caller: Caller | undefined;
}

/** Decodes an entry that came from another member, or that this process proposed before a restart. */
export function decodeRaftEntry(data: Uint8Array): DecodedEntry {
  const reader = new ProtoReader(data);
  let request: RaftRequest | undefined;
  let header = noHeader;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (reader.wireType !== 2) reader.skip();
    else if (field === 100) header = decodeHeader(reader.message());
    else request = decodeField(reader, field) ?? request;
  }
  int64Words.split(header.id);
  return { request, idHigh: int64Words.high, idLow: int64Words.low, caller: header.caller };
}

/** etcdserverpb.RequestHeader. */
interface RequestHeader {
  readonly id: bigint;
  readonly caller: Caller | undefined;
}

const noHeader: RequestHeader = { id: 0n, caller: undefined };

function decodeHeader(reader: ProtoReader): RequestHeader {
  let id = 0n;
  let username = '';
  let authRevision = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) id = reader.int64();
    else if (field === 2) username = textOf(reader.bytes());
    else if (field === 3) authRevision = reader.int64Number();
    else reader.skip();
  }
  return { id, caller: username === '' ? undefined : { username, authRevision } };
}

function decodeField(reader: ProtoReader, field: number): RaftRequest | undefined {
  const bytes = reader.bytes();
  switch (field) {
    case 2:
      return decodeV2Request(bytes);
    case 4:
      return decodePut(bytes);
    case 5:
      return decodeDeleteRange(bytes);
    case 6:
      return decodeTxn(bytes);
    case 7:
      return decodeCompaction(bytes);
    case 8:
      return decodeLeaseGrant(bytes);
    case 9:
      return decodeLeaseRevoke(bytes);
    case 10:
      return decodeAlarm(bytes);
    case 11:
      return decodeLeaseCheckpoint(bytes);
    case 1300:
      return { kind: 'clusterVersionSet', version: decodeText(bytes, 1) };
    case 1301:
      return decodeMemberAttributes(bytes);
    case 1302:
      return decodeDowngradeInfo(bytes);
    default:
      return decodeAuthField(field, bytes);
  }
}

export function decodeCompaction(bytes: Uint8Array): CompactionRequest {
  const { first, second } = decodeTwoInts(bytes);
  return { kind: 'compaction', revision: Number(first), physical: second !== 0n };
}

export function decodeLeaseGrant(bytes: Uint8Array): LeaseGrantRequest {
  const { first, second } = decodeTwoInts(bytes);
  return { kind: 'leaseGrant', ttlSeconds: Number(first), id: second };
}

export function decodeLeaseRevoke(bytes: Uint8Array): LeaseRevokeRequest {
  return { kind: 'leaseRevoke', id: decodeTwoInts(bytes).first };
}

export function decodeAlarm(bytes: Uint8Array): AlarmRequest {
  const reader = new ProtoReader(bytes);
  let action = 0;
  let memberId = 0n;
  let alarm = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) action = reader.enumValue();
    else if (field === 2) memberId = BigInt.asUintN(64, reader.int64());
    else if (field === 3) alarm = reader.enumValue();
    else reader.skip();
  }
  return { kind: 'alarm', action, memberId, alarm };
}

function decodeLeaseCheckpoint(bytes: Uint8Array): LeaseCheckpointRequest {
  const reader = new ProtoReader(bytes);
  const checkpoints: { id: bigint; remainingSeconds: number }[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field !== 1) {
      reader.skip();
      continue;
    }
    const { first, second } = decodeTwoInts(reader.bytes());
    checkpoints.push({ id: first, remainingSeconds: Number(second) });
  }
  return { kind: 'leaseCheckpoint', checkpoints };
}

function decodeMemberAttributes(bytes: Uint8Array): MemberAttributesSetRequest {
  const reader = new ProtoReader(bytes);
  let memberId = 0n;
  let name = '';
  const clientUrls: string[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) memberId = BigInt.asUintN(64, reader.int64());
    else if (field === 2) {
      const attributes = reader.message();
      for (let inner = attributes.next(); inner !== 0; inner = attributes.next()) {
        if (inner === 1) name = textOf(attributes.bytes());
        else if (inner === 2) clientUrls.push(textOf(attributes.bytes()));
        else attributes.skip();
      }
    } else reader.skip();
  }
  return { kind: 'memberAttributesSet', memberId, name, clientUrls };
}

function decodeDowngradeInfo(bytes: Uint8Array): DowngradeInfoSetRequest {
  const reader = new ProtoReader(bytes);
  let isEnabled = false;
  let version = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) isEnabled = reader.int64() !== 0n;
    else if (field === 2) version = textOf(reader.bytes());
    else reader.skip();
  }
  return { kind: 'downgradeInfoSet', isEnabled, version };
}

/**
 * Many small messages are two integers in fields 1 and 2, or one. Unlike the generated code this refuses fields whose
 * wire type is another one, as etcd does.
 */
export function decodeTwoInts(bytes: Uint8Array): { first: bigint; second: bigint } {
  const reader = new ProtoReader(bytes);
  let first = 0n;
  let second = 0n;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) first = reader.int64();
    else if (field === 2) second = reader.int64();
    else reader.skip();
  }
  return { first, second };
}

function decodeText(bytes: Uint8Array, wanted: number): string {
  const reader = new ProtoReader(bytes);
  let text = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === wanted) text = textOf(reader.bytes());
    else reader.skip();
  }
  return text;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function writeInt(out: ProtoWriter, tag: number, value: number): void {
  if (value !== 0) out.tag(tag).int(value);
}

const headerWriter = new ProtoWriter(16);

function requestHeader(idHigh: number, idLow: number, caller: Caller | undefined): Buffer {
  headerWriter.tag(0x08).uint64Halves(idHigh, idLow);
  if (caller !== undefined) {
    headerWriter.text(0x12, caller.username).tag(0x18).uint(caller.authRevision);
  }
  return headerWriter.take();
}
