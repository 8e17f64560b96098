import { create, toBinary } from '@bufbuild/protobuf';
import {
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  ResponseHeaderSchema,
  StatusResponseSchema,
} from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { glimpseHeader, glimpseRead } from './response-header.ts';

const key = Uint8Array.of(1);
const ids: Readonly<Record<string, bigint>> = { 'a:1': 1n, 'b:1': 2n, 'c:1': 3n };

/** Three members, of which one leads. */
class Scene {
  leaderId = 2n;
  raftTerm = 5n;
  readonly cluster = new MemoryCluster();
  readonly client = new RpcClient(
    { endpoints: ['a:1', 'b:1', 'c:1'], preferLeader: true },
    this.cluster.environment,
  );

  constructor() {
    this.cluster.handle = (path) => {
      const endpoint = this.cluster.log.at(-1)?.split(' ')[0] ?? '';
      const { raftTerm, leaderId: leader } = this;
      const header = create(ResponseHeaderSchema, { memberId: ids[endpoint] ?? 0n, raftTerm });
      if (path.endsWith('/Status')) {
        const status = create(StatusResponseSchema, { header, leader, raftTerm });
        return toBinary(StatusResponseSchema, status);
      }
      return toBinary(PutResponseSchema, create(PutResponseSchema, { header }));
    };
  }

  /** Who answers so many of these calls, one after the other. */
  async asked(count: number, call: (client: RpcClient) => Promise<unknown>) {
    const names: string[] = [];
    for (let i = 0; i < count; i++) {
      await call(this.client);
      const calls = this.cluster.log.filter((line) => !line.endsWith('/Status'));
      names.push(calls.at(-1)?.split(':')[0] ?? '');
      await new Promise((resolve) => setImmediate(resolve));
    }
    return names;
  }
}

const write = (client: RpcClient) => client.kv.put({ key });
const read = (client: RpcClient) => client.kv.range({ key });
const readAnywhere = (client: RpcClient) => client.kv.range({ key, serializable: true });

describe('a client that prefers the leader', () => {
  it('makes no call wait for who that is', async () => {
    const scene = new Scene();
    scene.cluster.moods.set('c:1', 'silent');
    expect(await scene.asked(1, write)).toEqual(['a']);
  });

  it('writes and reads there, but reads anywhere what may be old', async () => {
    const scene = new Scene();
    await scene.asked(1, write);
    expect(await scene.asked(3, write)).toEqual(['b', 'b', 'b']);
    expect(await scene.asked(2, read)).toEqual(['b', 'b']);
    expect(new Set(await scene.asked(3, readAnywhere))).toEqual(new Set(['a', 'b', 'c']));
  });

  it('asks again when an answer is of a newer term', async () => {
    const scene = new Scene();
    await scene.asked(1, write);
    scene.leaderId = 3n;
    scene.raftTerm = 6n;
    await scene.asked(2, write);
    expect(await scene.asked(2, write)).toEqual(['c', 'c']);
  });

  it('goes elsewhere when the leader is gone', async () => {
    const scene = new Scene();
    await scene.asked(1, write);
    scene.cluster.moods.set('b:1', 'down');
    const names = await scene.asked(3, write);
    expect(names).not.toContain('b');
  });
});

describe('a glimpse of a message', () => {
  it('tells who has answered', () => {
    const header = create(ResponseHeaderSchema, {
      clusterId: 2n ** 63n,
      memberId: 2n ** 63n + 1n,
      revision: 7n,
      raftTerm: 3n,
    });
    const bytes = toBinary(RangeResponseSchema, create(RangeResponseSchema, { header, count: 1n }));
    expect(glimpseHeader(bytes)).toEqual({ memberId: 2n ** 63n + 1n, revision: 7n, raftTerm: 3n });
    expect(glimpseHeader(new Uint8Array(0))).toBeUndefined();
    expect(glimpseHeader(Uint8Array.of(0x0a, 0x7f))).toBeUndefined();
  });

  it('tells at which revision a range is read, and whether it may be old', () => {
    const range = (serializable: boolean, revision: bigint) => {
      const message = create(RangeRequestSchema, { key, limit: 5n, serializable, revision });
      return glimpseRead(toBinary(RangeRequestSchema, message));
    };
    expect(range(true, 0n)).toEqual({ revision: 0n, isSerializable: true });
    expect(range(false, 2n ** 62n)).toEqual({ revision: 2n ** 62n, isSerializable: false });
    const malformed = glimpseRead(Uint8Array.of(0x0a, 0x7f));
    expect(malformed).toEqual({ revision: 0n, isSerializable: false });
  });
});
