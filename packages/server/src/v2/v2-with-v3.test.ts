import {
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from '@kvorum/api';
import { SimDisk } from '@kvorum/wal/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryEngines } from '../memory-engines.ts';
import { SimMember } from '../testing/index.ts';
import { askV2 } from './testing/v2-client.ts';

const PUT = ['/etcdserverpb.KV/Put', PutRequestSchema, PutResponseSchema] as const;
const RANGE = ['/etcdserverpb.KV/Range', RangeRequestSchema, RangeResponseSchema] as const;
const TXN = ['/etcdserverpb.KV/Txn', TxnRequestSchema, TxnResponseSchema] as const;
const DELETE = [
  '/etcdserverpb.KV/DeleteRange',
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
] as const;

const bytes = (text: string) => Buffer.from(text);
const all = { key: bytes('\0'), rangeEnd: bytes('\0') };
const refusal = 'keys under _kvorum/v2/keys/ are written by the v2 API alone';

describe('v2 keys in the store of v3', () => {
  let member: SimMember;
  beforeEach(async () => {
    const storage = { disk: new SimDisk({ seed: 1 }), engines: new MemoryEngines() };
    member = await SimMember.start(storage, 1);
    for (const line of ['PUT /a value=1', 'PUT /dir/b value=2', 'PUT /empty dir=true']) {
      await askV2(member.core, line);
    }
    await member.call(...PUT, { key: bytes('zebra'), value: bytes('3') });
    await member.call(...PUT, { key: bytes('Ant'), value: bytes('4') });
  });

  async function allKeys(): Promise<string[]> {
    const { kvs } = await member.call(...RANGE, all);
    return kvs.map(({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`);
  }

  it('are read with their values', async () => {
    expect(await allKeys()).toEqual([
      'Ant=4',
      '_kvorum/v2/keys/a=1',
      '_kvorum/v2/keys/dir/b=2',
      'zebra=3',
    ]);
  });

  it('are not written: neither by a put, nor in a transaction, nested or not', async () => {
    const put = { key: bytes('_kvorum/v2/keys/a'), value: bytes('x') };
    await expect(member.call(...PUT, put)).rejects.toThrow(refusal);
    const first = { request: { case: 'requestPut' as const, value: { key: bytes('other') } } };
    const second = { request: { case: 'requestPut' as const, value: put } };
    const txn = { success: [first, second] };
    await expect(member.call(...TXN, txn)).rejects.toThrow(refusal);
    const nested = { request: { case: 'requestTxn' as const, value: txn } };
    await expect(member.call(...TXN, { success: [nested] })).rejects.toThrow(refusal);
    const below = { key: bytes('_kvorum/v2/keys/a'), rangeEnd: bytes('_kvorum/v2/keys/b') };
    const deletion = { request: { case: 'requestDeleteRange' as const, value: below } };
    await expect(member.call(...TXN, { success: [first, deletion] })).rejects.toThrow(refusal);
    expect(await allKeys()).toHaveLength(4);
  });

  it.each([
    ['_kvorum/v2/keys/a', ''],
    ['_kvorum/v2/keys/', '_kvorum/v2/keys0'],
    ['_kvorum/v2/keys/b', '_kvorum/v2/keys/c'],
  ])('are not deleted by a range among them: %s to %s', async (key, rangeEnd) => {
    const range = { key: bytes(key), rangeEnd: bytes(rangeEnd) };
    await expect(member.call(...DELETE, range)).rejects.toThrow(refusal);
  });

  it.each([
    ['\0', '\0', 2, ['_kvorum/v2/keys/a=1', '_kvorum/v2/keys/dir/b=2']],
    ['A', '_kvorum/v2/keys/b', 1, ['_kvorum/v2/keys/a=1', '_kvorum/v2/keys/dir/b=2', 'zebra=3']],
    ['_kvorum/v2/keys/b', '\0', 1, ['Ant=4', '_kvorum/v2/keys/a=1', '_kvorum/v2/keys/dir/b=2']],
    ['zebra', '', 1, ['Ant=4', '_kvorum/v2/keys/a=1', '_kvorum/v2/keys/dir/b=2']],
    ['z', 'a', 0, ['Ant=4', '_kvorum/v2/keys/a=1', '_kvorum/v2/keys/dir/b=2', 'zebra=3']],
  ])('are passed over by a deletion from %j to %j', async (key, rangeEnd, deleted, left) => {
    const range = { key: bytes(key), rangeEnd: bytes(rangeEnd), prevKv: true };
    const answer = await member.call(...DELETE, range);
    expect([Number(answer.deleted), answer.prevKvs.length]).toEqual([deleted, deleted]);
    expect(await allKeys()).toEqual(left);
    expect((await askV2(member.core, 'GET /a')).json.node?.value).toBe('1');
  });

  it('neighbours are anybody’s', async () => {
    for (const key of ['_kvorum/v2/keys', '_kvorum/v2/keys0', '_kvorum/v2/key/a', '_kvorum']) {
      await member.call(...PUT, { key: bytes(key) });
    }
    expect(await allKeys()).toHaveLength(8);
  });

  it('go with their directory', async () => {
    await askV2(member.core, 'PUT /dir-b value=5');
    await askV2(member.core, 'DELETE /dir?recursive=true');
    expect((await allKeys()).slice(1, 3)).toEqual([
      '_kvorum/v2/keys/a=1',
      '_kvorum/v2/keys/dir-b=5',
    ]);
  });
});
