import { apiVersion } from '@kvorum/api';
import { type Metadata, Status, type StatusCode } from '@kvorum/h2';
import { formatId } from '../membership/ids.ts';
import { isAtLeast, MIN_CLUSTER_VERSION } from '../membership/semantic-version.ts';

/** What a member says of itself and asks of the other when it opens a stream, under etcd's names. */
export interface Greeting {
  readonly clusterId: bigint;
  readonly from: bigint;
  readonly to: bigint;
  /** Where the sender can be reached, for a member that doesn't know it yet. */
  readonly peerUrls: readonly string[];
}

/** Why a member is not listened to, in etcd's words. */
export interface Refusal {
  readonly status: StatusCode;
  readonly text: string;
}

/** Kvorum's members understand each other from this version of their protocol on. */
const PROTOCOL = '1';

export const refusals = {
  clusterIdMismatch: { status: Status.failedPrecondition, text: 'cluster ID mismatch' },
  incompatibleVersion: { status: Status.failedPrecondition, text: 'incompatible version' },
  removedMember: { status: Status.permissionDenied, text: 'removed member' },
  senderNotFound: { status: Status.notFound, text: 'error sender not found' },
  toFieldMismatch: { status: Status.failedPrecondition, text: 'to field mismatch' },
} as const satisfies Record<string, Refusal>;

export function greetingFields(greeting: Greeting): [string, string][] {
  return [
    ['x-server-from', formatId(greeting.from)],
    ['x-server-version', apiVersion],
    ['x-min-cluster-version', MIN_CLUSTER_VERSION],
    ['x-etcd-cluster-id', formatId(greeting.clusterId)],
    ['x-raft-to', formatId(greeting.to)],
    ['x-peerurls', greeting.peerUrls.join(',')],
    ['x-kvorum-peer-protocol', PROTOCOL],
  ];
}

/** Who is asked: this member, as far as a greeting is measured against it. */
export interface Greeted {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  isMember(id: bigint): boolean;
  isRemoved(id: bigint): boolean;
}

type GreetingFields = Pick<Metadata, 'get'>;

/** Checks a greeting in etcd's order; returns who sends, or why it isn't listened to. */
export function checkGreeting(fields: GreetingFields, self: Greeted): Greeting | Refusal {
  if (!isCompatible(fields)) return refusals.incompatibleVersion;
  const clusterId = idOf(fields.get('x-etcd-cluster-id'));
  if (clusterId !== self.clusterId) return refusals.clusterIdMismatch;
  const from = idOf(fields.get('x-server-from'));
  // Nobody else has this member's id: a second process under it must not be taken for a peer.
  if (from === undefined || from === self.memberId) return refusals.senderNotFound;
  if (self.isRemoved(from)) return refusals.removedMember;
  const peerUrls = (fields.get('x-peerurls') ?? '').split(',').filter((url) => url !== '');
  // A member that was just added may know more of the log than this one does: it says where it is.
  if (!self.isMember(from) && peerUrls.length === 0) return refusals.senderNotFound;
  const to = idOf(fields.get('x-raft-to'));
  if (to !== self.memberId) return refusals.toFieldMismatch;
  return { clusterId, from, to, peerUrls };
}

export function isRefusal(result: Greeting | Refusal): result is Refusal {
  return 'status' in result;
}

/** Each side's version has to be one that the other side still takes. */
function isCompatible(fields: GreetingFields): boolean {
  if (fields.get('x-kvorum-peer-protocol') !== PROTOCOL) return false;
  const version = fields.get('x-server-version') ?? '';
  const oldest = fields.get('x-min-cluster-version') ?? '';
  return isAtLeast(version, MIN_CLUSTER_VERSION) && isAtLeast(apiVersion, oldest);
}

/** Undefined for what is no id; 0 is none, raft has it for nobody. */
function idOf(hex: string | undefined): bigint | undefined {
  if (hex === undefined || !/^[0-9a-f]{1,16}$/.test(hex)) return undefined;
  const id = BigInt(`0x${hex}`);
  return id === 0n ? undefined : id;
}
