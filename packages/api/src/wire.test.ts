import { create, fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  CompareSchema,
  InternalRaftRequestSchema,
  LeaseTimeToLiveResponseSchema,
  MetadataSchema,
  PutRequestSchema,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RangeRequestSchema,
  ResponseHeaderSchema,
  raftpb,
  StatusResponseSchema,
  snappb,
  TxnRequestSchema,
  WatchResponseSchema,
  walpb,
} from './index.ts';

const text = new TextEncoder();
const bytes = (content: string) => text.encode(content);
const hex = (message: Uint8Array) => Buffer.from(message).toString('hex');

// The expected bytes are written by hand from the field numbers: tag = number << 3 | wire type.

describe('client messages on the wire', () => {
  it('encodes a put', () => {
    const put = create(PutRequestSchema, {
      key: bytes('a'),
      value: bytes('b'),
      lease: 5n,
      prevKv: true,
      ignoreValue: true,
      ignoreLease: true,
    });
    expect(hex(toBinary(PutRequestSchema, put))).toBe(
      '0a0161' + '120162' + '1805' + '2001' + '2801' + '3001',
    );
  });

  it('encodes every field of a range', () => {
    const range = create(RangeRequestSchema, {
      key: bytes('a'),
      rangeEnd: bytes('b'),
      limit: 1n,
      revision: 2n,
      sortOrder: RangeRequest_SortOrder.DESCEND,
      sortTarget: RangeRequest_SortTarget.VALUE,
      serializable: true,
      keysOnly: true,
      countOnly: true,
      minModRevision: 3n,
      maxModRevision: 4n,
      minCreateRevision: 5n,
      maxCreateRevision: 6n,
    });
    expect(hex(toBinary(RangeRequestSchema, range))).toBe(
      '0a0161' +
        '120162' +
        '1801' +
        '2002' +
        '2802' +
        '3004' +
        '3801' +
        '4001' +
        '4801' +
        '5003' +
        '5804' +
        '6005' +
        '6806',
    );
  });

  it('encodes the range end of a comparison under number 64', () => {
    const compare = create(CompareSchema, {
      result: 3,
      target: 1,
      key: bytes('a'),
      targetUnion: { case: 'createRevision', value: 7n },
      rangeEnd: bytes('b'),
    });
    expect(hex(toBinary(CompareSchema, compare))).toBe(
      '0803' + '1001' + '1a0161' + '2807' + '82040162',
    );
  });

  it('encodes operations of a transaction', () => {
    const txn = create(TxnRequestSchema, {
      success: [{ request: { case: 'requestPut', value: { key: bytes('k') } } }],
      failure: [{ request: { case: 'requestTxn', value: {} } }],
    });
    expect(hex(toBinary(TxnRequestSchema, txn))).toBe('1205' + '1203' + '0a016b' + '1a02' + '2200');
  });

  it('encodes a refused watch, whose id is -1', () => {
    const refused = create(WatchResponseSchema, {
      watchId: -1n,
      created: true,
      canceled: true,
      cancelReason: 'x',
    });
    expect(hex(toBinary(WatchResponseSchema, refused))).toBe(
      '10ffffffffffffffffff01' + '1801' + '2001' + '320178',
    );
  });

  it('encodes events under number 11', () => {
    const response = create(WatchResponseSchema, {
      events: [{ type: 1, kv: { key: bytes('k'), modRevision: 3n } }],
    });
    expect(hex(toBinary(WatchResponseSchema, response))).toBe(
      '5a09' + '0801' + '1205' + '0a016b' + '1803',
    );
  });

  it('encodes ids that fill 64 bits', () => {
    const header = create(ResponseHeaderSchema, {
      clusterId: 15875391935852295136n,
      memberId: 1n,
      revision: 2n,
      raftTerm: 3n,
    });
    const encoded = toBinary(ResponseHeaderSchema, header);
    expect(hex(encoded)).toBe('08e0e7cef4aa9baea8dc01' + '1001' + '1802' + '2003');
    expect(fromBinary(ResponseHeaderSchema, encoded).clusterId).toBe(15875391935852295136n);
  });

  it('encodes a lease that is gone, whose time to live is -1', () => {
    const gone = create(LeaseTimeToLiveResponseSchema, { ID: 77n, TTL: -1n });
    expect(hex(toBinary(LeaseTimeToLiveResponseSchema, gone))).toBe(
      '104d' + '18ffffffffffffffffff01',
    );
  });

  it('keeps the spelling of etcd in JSON', () => {
    const status = create(StatusResponseSchema, {
      header: { clusterId: 1n },
      dbSizeInUse: 2n,
      isLearner: true,
    });
    expect(toJsonString(StatusResponseSchema, status, { useProtoFieldName: true })).toBe(
      '{"header":{"cluster_id":"1"},"dbSizeInUse":"2","isLearner":true}',
    );
  });
});

describe('log entries on the wire', () => {
  it('puts the header of a raft request last, under number 100', () => {
    const request = create(InternalRaftRequestSchema, {
      header: { ID: 1n, username: 'u', authRevision: 2n },
      put: { key: bytes('k') },
    });
    expect(hex(toBinary(InternalRaftRequestSchema, request))).toBe(
      '2203' + '0a016b' + 'a20607' + '0801' + '120175' + '1802',
    );
  });

  it.each([
    ['authEnable', { authEnable: {} }, 'c23e00'],
    ['authDisable', { authDisable: {} }, '9a3f00'],
    ['authUserAdd', { authUserAdd: {} }, 'e24400'],
    ['authRoleRevokePermission', { authRoleRevokePermission: {} }, 'a24b00'],
    ['clusterVersionSet', { clusterVersionSet: {} }, 'a25100'],
    ['downgradeVersionTest', { downgradeVersionTest: {} }, 'e2ea0400'],
  ])('encodes %s under its large number', (_name, request, expected) => {
    const message = create(InternalRaftRequestSchema, request);
    expect(hex(toBinary(InternalRaftRequestSchema, message))).toBe(expected);
  });

  it('writes zeros of an entry only when they are set, and reads entries with and without', () => {
    const explicit = create(raftpb.EntrySchema, { Type: 0, Term: 1n, Index: 0n });
    expect(hex(toBinary(raftpb.EntrySchema, explicit))).toBe('0800' + '1001' + '1800');
    const sparse = fromBinary(raftpb.EntrySchema, Buffer.from('1001', 'hex'));
    expect(sparse).toMatchObject({ Type: 0, Term: 1n, Index: 0n });
  });

  it('encodes a message with an entry and a snapshot', () => {
    const message = create(raftpb.MessageSchema, {
      type: raftpb.MessageType.MsgForgetLeader,
      to: 1n,
      entries: [{ Data: bytes('d') }],
      snapshot: { metadata: { confState: { voters: [1n, 2n], autoLeave: false }, index: 9n } },
      vote: 4n,
    });
    expect(hex(toBinary(raftpb.MessageSchema, message))).toBe(
      '0817' +
        '1001' +
        '3a03' +
        '220164' +
        '4a0c' +
        '120a' +
        '0a06' +
        '08010802' +
        '2800' +
        '1009' +
        '6804',
    );
  });

  it('encodes configuration changes', () => {
    const single = create(raftpb.ConfChangeSchema, { id: 1n, type: 3, nodeId: 2n });
    expect(hex(toBinary(raftpb.ConfChangeSchema, single))).toBe('0801' + '1003' + '1802');
    const joint = create(raftpb.ConfChangeV2Schema, {
      transition: raftpb.ConfChangeTransition.ConfChangeTransitionJointExplicit,
      changes: [{ type: raftpb.ConfChangeType.ConfChangeRemoveNode, nodeId: 2n }],
    });
    expect(hex(toBinary(raftpb.ConfChangeV2Schema, joint))).toBe('0802' + '1204' + '0801' + '1002');
  });

  it('encodes what segments and snapshot files hold', () => {
    const record = create(walpb.RecordSchema, { type: 4n, crc: 0, data: bytes('x') });
    expect(hex(toBinary(walpb.RecordSchema, record))).toBe('0804' + '1000' + '1a0178');
    const mark = create(walpb.SnapshotSchema, { index: 1n, term: 2n, confState: { voters: [3n] } });
    expect(hex(toBinary(walpb.SnapshotSchema, mark))).toBe('0801' + '1002' + '1a02' + '0803');
    const file = create(snappb.snapshotSchema, { crc: 1, data: bytes('x') });
    expect(hex(toBinary(snappb.snapshotSchema, file))).toBe('0801' + '120178');
    const metadata = create(MetadataSchema, { NodeID: 1n, ClusterID: 2n });
    expect(hex(toBinary(MetadataSchema, metadata))).toBe('0801' + '1002');
  });
});
