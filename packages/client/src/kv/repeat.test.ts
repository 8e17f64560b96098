import { create, toBinary } from '@bufbuild/protobuf';
import { TxnResponseSchema } from '@kvorum/api';
import { expect, it } from 'vitest';
import { createClient } from '../create-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { compare } from './compare.ts';
import { op } from './op.ts';

function clusterWithTrouble() {
  const cluster = new MemoryCluster();
  cluster.moods.set('a:1', 'unavailable');
  cluster.handle = (path) => {
    if (!path.endsWith('/Txn')) return undefined;
    return toBinary(TxnResponseSchema, create(TxnResponseSchema));
  };
  const client = createClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 1000 }, cluster.environment);
  return { cluster, client };
}

it('a transaction that only reads is sent again elsewhere, as reads are', async () => {
  const { cluster, client } = clusterWithTrouble();
  const inner = op
    .txn()
    .if(compare.exists('a'))
    .then(op.range({ prefix: 'a' }));
  // The member in memory takes neither branch's steps.
  const reading = client.txn().if(compare.missing('b')).then(inner, op.get('a')).commit();
  await expect(reading).resolves.toMatchObject({ succeeded: false, results: [] });
  expect(cluster.log.map((line) => line.split(' ')[0])).toEqual(['a:1', 'b:1']);
  client.close();
});

it('one that may write is not, unless its caller says that it may be', async () => {
  const { cluster, client } = clusterWithTrouble();
  const inner = op.txn().else(op.delete('a'));
  const writing = client.txn().then(op.get('a'), inner);
  await expect(writing.commit()).rejects.toMatchObject({ code: 'noLeader', mayHaveApplied: true });
  expect(cluster.log).toHaveLength(1);
  cluster.moods.set('a:1', 'well').set('b:1', 'unavailable');
  await writing.commit({ isRepeatable: true });
  expect(cluster.log.map((line) => line.split(' ')[0])).toEqual(['a:1', 'b:1', 'a:1']);
  client.close();
});
