import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  DeleteRangeRequestSchema,
  LeaderRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { namespacedKeys, plainKeys } from './namespace.ts';

const keys = namespacedKeys('ns/');
const bytes = (text: string) => Buffer.from(text);

function request<D extends DescMessage>(path: string, schema: D, init: MessageInitShape<D>) {
  const sent = keys.request(path, toBinary(schema, create(schema, init)));
  return fromBinary(schema, sent);
}

function response<D extends DescMessage>(path: string, schema: D, init: MessageInitShape<D>) {
  return fromBinary(schema, keys.response(path, toBinary(schema, create(schema, init))));
}

const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString();

describe('keys in a namespace', () => {
  const range = (key: string, end: string) => {
    const init = { key: bytes(key), rangeEnd: bytes(end) };
    const { key: from, rangeEnd } = request('/etcdserverpb.KV/Range', RangeRequestSchema, init);
    return [text(from), text(rangeEnd)];
  };

  it('have a prefix in requests, and ranges stay within it', () => {
    expect(range('a', '')).toEqual(['ns/a', '']);
    expect(range('a', 'c')).toEqual(['ns/a', 'ns/c']);
    expect(range('a', '\0')).toEqual(['ns/a', 'ns0']);
    expect(range('\0', '\0')).toEqual(['ns/\0', 'ns0']);
  });

  it('are never the prefix itself', () => {
    for (const [method, schema] of [
      ['Range', RangeRequestSchema],
      ['Put', PutRequestSchema],
      ['DeleteRange', DeleteRangeRequestSchema],
    ] as const) {
      expect(() => request(`/etcdserverpb.KV/${method}`, schema, {})).toThrow(
        'etcdserver: key is not provided',
      );
    }
    const put = { request: { case: 'requestPut' as const, value: {} } };
    expect(() => request('/etcdserverpb.KV/Txn', TxnRequestSchema, { success: [put] })).toThrow(
      'key is not provided',
    );
  });

  it('lose it in answers, in transactions too', () => {
    const kvs = [{ key: bytes('ns/a') }];
    const answer = response('/etcdserverpb.KV/Range', RangeResponseSchema, { kvs });
    expect(answer.kvs.map(({ key }) => text(key))).toEqual(['a']);
    const nested = {
      responses: [{ response: { case: 'responseRange' as const, value: { kvs } } }],
    };
    const txn = response('/etcdserverpb.KV/Txn', TxnResponseSchema, {
      responses: [{ response: { case: 'responseTxn' as const, value: nested } }],
    });
    const serialized = Buffer.from(toBinary(TxnResponseSchema, txn)).toString('latin1');
    expect(serialized).toContain('a');
    expect(serialized).not.toContain('ns/');
    const sent = request('/etcdserverpb.KV/Txn', TxnRequestSchema, {
      compare: [{ key: bytes('c') }],
      failure: [{ request: { case: 'requestDeleteRange', value: { key: bytes('d') } } }],
    });
    expect(text(sent.compare[0]?.key)).toBe('ns/c');
    const [failure] = sent.failure;
    if (failure?.request.case !== 'requestDeleteRange') throw new Error('no deletion');
    expect(text(failure.request.value.key)).toBe('ns/d');
  });

  it('are those of elections, too', () => {
    const path = '/v3electionpb.Election/Leader';
    expect(text(request(path, LeaderRequestSchema, { name: bytes('e') }).name)).toBe('ns/e');
  });

  it('stay as they are where nobody has named any', () => {
    const one = bytes('whatever');
    expect(plainKeys.request('/etcdserverpb.KV/Range', one)).toBe(one);
    expect(keys.request('/etcdserverpb.Auth/UserAdd', one)).toBe(one);
  });

  it('refuse what is no message', () => {
    expect(() => keys.request('/etcdserverpb.KV/Range', bytes('\xff'))).toThrow();
  });
});
