import type { Entry } from '@kvorum/raft';
import { describe, expect, it } from 'vitest';
import { ProtoWriter } from '../../codec/proto-writer.ts';
import { encodeRaftRequest } from '../../codec/raft-requests.ts';
import { keptEntry } from './kept-entry.ts';

/** etcdserverpb.Request as etcd 3.5 writes it, with its first fields. */
function v2Request(method: string, path: string, value = ''): Buffer {
  return new ProtoWriter(64)
    .tag(0x08)
    .int64(0xa226_aa07_8c00_0001n)
    .text(0x12, method)
    .text(0x1a, path)
    .text(0x22, value)
    .tag(0x28)
    .uint(0)
    .take();
}

/** The same within an InternalRaftRequest. */
function wrapped(request: Buffer): Buffer {
  return new ProtoWriter(128).bytes(0x12, request).take();
}

const v3Put = Buffer.from('220d0a0576332f6b31120476616c31a2060308f801', 'hex');
const attributes = '/0/members/95766c8b6e5bd5b0/attributes';
const v3Attributes = encodeRaftRequest(
  { kind: 'memberAttributesSet', memberId: 7n, name: 'm1', clientUrls: ['http://a:1'] },
  1,
  2,
);

const entries: [
  what: string,
  type: Entry['type'],
  data: Buffer,
  plain: boolean,
  withV3: boolean,
][] = [
  ['an empty entry', 'normal', Buffer.alloc(0), true, true],
  ['a v2 PUT', 'normal', v2Request('PUT', '/1/a', 'x'), true, true],
  ['a v2 QGET', 'normal', v2Request('QGET', '/1/a'), true, true],
  ['a v2 SYNC', 'normal', v2Request('SYNC', ''), true, true],
  ['a v2 DELETE within a v3 request', 'normal', wrapped(v2Request('DELETE', '/1/a')), true, true],
  ['the version of the cluster', 'normal', v2Request('PUT', '/0/version', '3.5.0'), true, true],
  ['attributes of a member', 'normal', v2Request('PUT', attributes, '{}'), false, false],
  ['such within a v3 request', 'normal', wrapped(v2Request('PUT', attributes)), false, false],
  ['a key that is named like them', 'normal', v2Request('PUT', `/1${attributes}`), true, true],
  ['a v3 put', 'normal', v3Put, false, true],
  ['attributes of a member by v3', 'normal', v3Attributes, false, false],
  ['what is no request', 'normal', Buffer.from('ffffff', 'hex'), false, true],
  ['a membership change', 'confChange', Buffer.from('0800', 'hex'), false, false],
  ['a change in two steps', 'confChangeV2', Buffer.from('0800', 'hex'), false, false],
];

describe('a backup', () => {
  it.each(entries)('of %s has it or an empty entry', (_what, type, data, plain, withV3) => {
    const entry: Entry = { type, term: 3, index: 9, data };
    const blank: Entry = { type: 'normal', term: 3, index: 9, data: new Uint8Array(0) };
    expect(keptEntry(entry, false)).toEqual(plain ? entry : blank);
    expect(keptEntry(entry, true)).toEqual(withV3 ? entry : blank);
  });
});
