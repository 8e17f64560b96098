import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  etcdErrors,
  type RangeRequest,
  RangeRequestSchema,
  RangeResponseSchema,
} from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { CallFailure } from '../channel.ts';
import { createClient } from '../create-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';

const path = '/etcdserverpb.KV/Range';

/** Three members that are at revisions of their own, and a client whose calls take turns. */
function membersAt(revisions: Record<string, bigint>, monotonicReads = true) {
  const cluster = new MemoryCluster();
  const lead = () =>
    Object.values(revisions)
      .sort((a, b) => Number(a - b))
      .at(-1) ?? 0n;
  const answer = ({ serializable, revision }: RangeRequest, own: bigint) => {
    const at = serializable ? own : lead();
    if (revision > at) {
      throw new CallFailure(etcdErrors.futureRev.status, etcdErrors.futureRev.text, false);
    }
    const message = create(RangeResponseSchema, { header: { revision: at } });
    return toBinary(RangeResponseSchema, message);
  };
  cluster.handle = (called, request, endpoint) => {
    if (called !== path) return undefined;
    return answer(fromBinary(RangeRequestSchema, request), revisions[endpoint] ?? 0n);
  };
  const endpoints = Object.keys(revisions);
  const client = createClient({ endpoints, timeoutMs: 1000, monotonicReads }, cluster.environment);
  const read = async (options = {}) => {
    const { revision } = await client.range('k', { serializable: true, ...options });
    return revision;
  };
  const asked = () => cluster.log.splice(0).map((line) => line.split(' ')[0]);
  return { cluster, client, read, asked };
}

describe('reads of a client that wants them in order', () => {
  it('pass over members that are behind', async () => {
    const { read, asked } = membersAt({ 'a:1': 9n, 'b:1': 7n, 'c:1': 9n });
    expect(await read()).toBe(9n);
    expect(await read()).toBe(9n);
    expect(asked()).toEqual(['a:1', 'b:1', 'c:1']);
  });

  it('are as they come when nobody has asked for an order', async () => {
    const { read } = membersAt({ 'a:1': 9n, 'b:1': 7n }, false);
    expect([await read(), await read()]).toEqual([9n, 7n]);
  });

  it('wait until somebody has caught up', async () => {
    const revisions = { 'a:1': 9n, 'b:1': 7n };
    const { cluster, read } = membersAt(revisions);
    await read();
    cluster.moods.set('a:1', 'down');
    cluster.environment.timers.after(300, () => {
      revisions['b:1'] = 10n;
    });
    expect(await cluster.settle(read())).toBe(10n);
  });

  it('fail when nobody has, and say so', async () => {
    const { cluster, read } = membersAt({ 'a:1': 9n, 'b:1': 7n });
    await read();
    cluster.moods.set('a:1', 'down');
    await expect(cluster.settle(read())).rejects.toMatchObject({
      code: 'behind',
      retryable: true,
      mayHaveApplied: false,
      failures: [
        { endpoint: 'b:1', reason: 'behind', message: 'it has not got revision 9 yet' },
        { endpoint: 'a:1', reason: 'connect' },
      ],
    });
  });

  it('at a revision are asked of those that have it', async () => {
    const { read, asked } = membersAt({ 'a:1': 9n, 'b:1': 7n, 'c:1': 9n });
    await read();
    expect(await read({ revision: 8n })).toBe(9n);
    expect(asked()).toEqual(['a:1', 'b:1', 'c:1']);
    await expect(read({ revision: 20n })).rejects.toMatchObject({ code: 'futureRev' });
  });

  it('begin anew when the latest revision is an older one: the store was restored', async () => {
    const revisions = { 'a:1': 9n, 'b:1': 9n };
    const { read } = membersAt(revisions);
    await read();
    revisions['a:1'] = 4n;
    revisions['b:1'] = 5n;
    expect(await read({ serializable: false })).toBe(5n);
    expect(await read()).toBe(5n);
  });

  it('heed what was seen elsewhere', async () => {
    const { cluster, client, read } = membersAt({ 'a:1': 7n });
    client.rpc.noteRevision(8n);
    await expect(cluster.settle(read())).rejects.toMatchObject({ code: 'behind' });
  });
});
