import { apiVersion } from '@kvorum/api';
import { Status } from '@kvorum/h2';
import { describe, expect, it } from 'vitest';
import { checkGreeting, type Greeting, greetingFields, refusals } from './handshake.ts';

const SELF = 0xf000_0000_0000_0001n;
const PEER = 0x8e9e_05c5_2164_694dn;
const REMOVED = 3n;
const STRANGER = 4n;
const URL = 'http://m2:2380';

const self = {
  clusterId: 0xcd_f818_1d8f_ce3fn,
  memberId: SELF,
  isMember: (id: bigint) => id === SELF || id === PEER,
  isRemoved: (id: bigint) => id === REMOVED,
};

const greeting: Greeting = { clusterId: self.clusterId, from: PEER, to: SELF, peerUrls: [URL] };

/** What comes of a good greeting when some of its fields are others; undefined leaves one out. */
function answer(changes: Record<string, string | undefined>) {
  const fields = new Map(greetingFields(greeting));
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) fields.delete(name);
    else fields.set(name, value);
  }
  return checkGreeting(fields, self);
}

describe('the greeting of a member', () => {
  it('says who it is, in the form that it is read', () => {
    expect(answer({})).toEqual(greeting);
    expect(Object.fromEntries(greetingFields(greeting))).toEqual({
      'x-server-from': '8e9e05c52164694d',
      'x-server-version': apiVersion,
      'x-min-cluster-version': '3.0.0',
      'x-etcd-cluster-id': 'cdf8181d8fce3f',
      'x-raft-to': 'f000000000000001',
      'x-peerurls': URL,
      'x-kvorum-peer-protocol': '1',
    });
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['of an older server that is new enough', { 'x-server-version': '3.0.0' }],
    ['of a newer server', { 'x-server-version': '4.2.0' }],
    ['of a build before a release', { 'x-server-version': '3.8.0-rc.1+abc' }],
    ['that does not say where a known member is', { 'x-peerurls': undefined }],
  ])('is heard, %s', (_name, changes) => {
    expect(answer(changes)).toMatchObject({ from: PEER });
  });

  it('is heard of a member that this one has not been told of, if it says where it is', () => {
    const urls = `${URL},http://m4:2381`;
    expect(answer({ 'x-server-from': '4', 'x-peerurls': urls })).toEqual({
      ...greeting,
      from: STRANGER,
      peerUrls: [URL, 'http://m4:2381'],
    });
  });

  it.each<[keyof typeof refusals, string, Record<string, string | undefined>]>([
    ['incompatibleVersion', 'without a protocol', { 'x-kvorum-peer-protocol': undefined }],
    ['incompatibleVersion', 'of another protocol', { 'x-kvorum-peer-protocol': '2' }],
    ['incompatibleVersion', 'without a version', { 'x-server-version': undefined }],
    ['incompatibleVersion', 'of a server too old', { 'x-server-version': '2.3.8' }],
    ['incompatibleVersion', 'with half a version', { 'x-server-version': '3.7' }],
    ['incompatibleVersion', 'that wants newer ones', { 'x-min-cluster-version': '4.0.0' }],
    ['incompatibleVersion', 'that wants what is no version', { 'x-min-cluster-version': 'new' }],
    ['clusterIdMismatch', 'of another cluster', { 'x-etcd-cluster-id': '77' }],
    ['clusterIdMismatch', 'of no cluster', { 'x-etcd-cluster-id': undefined }],
    ['clusterIdMismatch', 'with a decimal cluster', { 'x-etcd-cluster-id': '57967389131067967' }],
    ['senderNotFound', 'of nobody', { 'x-server-from': undefined }],
    ['senderNotFound', 'of id 0', { 'x-server-from': '0' }],
    ['senderNotFound', 'of what is no id', { 'x-server-from': '-8e9e' }],
    ['senderNotFound', 'of an id of 65 bits', { 'x-server-from': '18e9e05c52164694d' }],
    ['senderNotFound', 'under this member’s id', { 'x-server-from': 'f000000000000001' }],
    ['senderNotFound', 'of a stranger', { 'x-server-from': '4', 'x-peerurls': '' }],
    ['removedMember', 'of a removed member', { 'x-server-from': '3' }],
    ['toFieldMismatch', 'for another member', { 'x-raft-to': '8e9e05c52164694d' }],
    ['toFieldMismatch', 'for nobody', { 'x-raft-to': undefined }],
    // The first that is wrong is what the sender is told.
    ['incompatibleVersion', 'wrong all over', { 'x-server-version': '', 'x-etcd-cluster-id': '7' }],
    [
      'clusterIdMismatch',
      'of one removed elsewhere',
      { 'x-etcd-cluster-id': '7', 'x-server-from': '3' },
    ],
    ['removedMember', 'of one removed, for another', { 'x-server-from': '3', 'x-raft-to': '9' }],
    ['toFieldMismatch', 'of a stranger, for another', { 'x-server-from': '4', 'x-raft-to': '9' }],
  ])('is refused: %s %s', (name, _what, changes) => {
    expect(answer(changes)).toBe(refusals[name]);
  });

  it('is refused in etcd’s words', () => {
    expect(Object.values(refusals).map(({ status, text }) => [status, text])).toEqual([
      [Status.failedPrecondition, 'cluster ID mismatch'],
      [Status.failedPrecondition, 'incompatible version'],
      [Status.permissionDenied, 'removed member'],
      [Status.notFound, 'error sender not found'],
      [Status.failedPrecondition, 'to field mismatch'],
    ]);
  });
});
