/**
 * What the store costs on RocksDB: puts of hot and of new keys, reads of one key and of ranges, counts,
 * compaction, opening and memory.
 *
 *   node packages/mvcc/bench/put.bench.ts [--keys=1000000] [--value=256] [--batch=1000] [--dir=PATH]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { decodeKeyValue } from '../src/key-value.ts';
import { RocksDbEngine } from '../src/rocksdb-engine.ts';
import { Store } from '../src/store.ts';

const { values: flags } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    value: { type: 'string', default: '256' },
    batch: { type: 'string', default: '1000' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const keyCount = Number(flags.keys);
const batchSize = Number(flags.batch);
const value = Buffer.alloc(Number(flags.value), 'v');
const hotKeys = 1000;

const directory = mkdtempSync(join(flags.dir, 'kvorum-bench-'));
try {
  await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function main(): Promise<void> {
  let store = await open();
  const hot = Array.from({ length: hotKeys }, (_, i) => Buffer.from(`hot/${i}`));
  measure('put, 1 hot key', 200_000, () => putAll(store, 200_000, () => hot[0]));
  measure('put, 1,000 hot keys', 200_000, () => putAll(store, 200_000, (i) => hot[i % hotKeys]));
  measure('put, new keys', keyCount, () => putAll(store, keyCount, keyAt));
  report('memory after the puts');
  measure('put, existing keys, spread', 200_000, () =>
    putAll(store, 200_000, (i) => keyAt((i * 7919) % keyCount)),
  );
  measure('put, 1 a batch', 20_000, () => {
    for (let i = 0; i < 20_000; i++) putBatch(store, [hot[i % hotKeys] ?? value]);
  });
  reads(store);
  await largeRanges(store);
  await compaction(store);
  await store.close();
  const start = performance.now();
  store = await open();
  console.log(`${'open'.padEnd(40)}${(performance.now() - start).toFixed(0).padStart(12)} ms`);
  measure('get, first after open', 1, () => store.get('hot/1'));
  report('memory at the end');
  await store.close();
}

async function open(): Promise<Store> {
  const engine = await RocksDbEngine.open({ path: join(directory, 'db') });
  return Store.open({ engine, turn: setImmediate, now: () => performance.now() });
}

function keyAt(i: number): Buffer {
  // Spread over the keyspace, as keys of many clients are.
  const scattered = Math.imul(i, 0x9e37_79b1) >>> 0;
  return Buffer.from(`bench/${String(scattered).padStart(10, '0')}/${i}`);
}

function putAll(store: Store, count: number, keyOf: (i: number) => Buffer | undefined): void {
  for (let from = 0; from < count; from += batchSize) {
    const keys: Buffer[] = [];
    for (let i = from; i < Math.min(count, from + batchSize); i++) keys.push(keyOf(i) ?? value);
    putBatch(store, keys);
  }
}

function putBatch(store: Store, keys: readonly Buffer[]): void {
  const batch = store.batch();
  if (keys.length > 1) batch.prefetch(keys);
  for (const key of keys) {
    const txn = batch.begin();
    txn.put(key, value, 0n);
    txn.end();
  }
  batch.putMeta('appliedIndex', Buffer.alloc(8));
  batch.commit();
}

function reads(store: Store): void {
  const count = 100_000;
  measure('get, cached', count, () => {
    const query = { key: Buffer.from('hot/7') };
    for (let i = 0; i < count; i++) store.range(query);
  });
  measure('get, not cached', 20_000, () => {
    for (let i = 0; i < 20_000; i++) store.range({ key: keyAt((i * 104_729) % keyCount) });
  });
  measure('get, missing', 20_000, () => {
    for (let i = 0; i < 20_000; i++) store.range({ key: Buffer.from(`bench/missing/${i}`) });
  });
  const all = Buffer.from('bench0');
  const startOf = (i: number): Buffer => keyAt(i).subarray(0, 16);
  measure('count of all keys, first', 1, () => countAll(store));
  measure('count of all keys, again', 100, () => {
    for (let i = 0; i < 100; i++) countAll(store);
  });
  for (const limit of [10, 1000]) {
    const times = 10_000 / limit;
    measure(`range, limit ${limit}`, times, () => {
      for (let i = 0; i < times; i++) store.range({ key: startOf(i), rangeEnd: all, limit });
    });
  }
  const revision = store.revision - 5000;
  measure('range, limit 1000, 5,000 revisions back', 10, () => {
    for (let i = 0; i < 10; i++) {
      store.range({ key: startOf(i), rangeEnd: all, limit: 1000, revision });
    }
  });
  measure('get, 5,000 revisions back', 2000, () => {
    for (let i = 0; i < 2000; i++) store.range({ key: Buffer.from(`hot/${i % 1000}`), revision });
  });
}

/** What the server does for a large range: the first time, again, and with one more key changed each time. */
async function largeRanges(store: Store): Promise<void> {
  const query = { key: Buffer.from('bench/'), rangeEnd: Buffer.from('bench0'), limit: 10_000 };
  await measure('range, limit 10000, packed, first', 1, async () => {
    await store.packedRangeSoon(query);
  });
  await measure('range, limit 10000, packed, again', 100, async () => {
    for (let i = 0; i < 100; i++) await store.packedRangeSoon(query);
  });
  const { kvs } = store.range(query);
  await measure('put, range, limit 10000, packed', 100, async () => {
    for (let i = 0; i < 100; i++) {
      const wire = kvs[(i * 7919) % kvs.length];
      if (wire !== undefined) putBatch(store, [Buffer.from(decodeKeyValue(wire).key)]);
      await store.packedRangeSoon(query);
    }
  });
}

function countAll(store: Store): number {
  return store.range({ key: Buffer.from('\0'), rangeEnd: Buffer.from('\0'), countOnly: true })
    .count;
}

async function compaction(store: Store): Promise<void> {
  const batch = store.batch();
  batch.compact(store.revision);
  batch.commit();
  const start = performance.now();
  await store.whenCompacted();
  const us = ((performance.now() - start) * 1000) / store.revision;
  console.log(`${'compaction, per revision'.padEnd(40)}${us.toFixed(2).padStart(12)} us`);
}

/** Prints the time of one of `count` things: on the wall, and of the main thread's CPU alone. */
function measure(what: string, count: number, body: () => unknown): Promise<void> | undefined {
  const start = performance.now();
  const cpu = process.threadCpuUsage();
  const print = () => {
    const { user, system } = process.threadCpuUsage(cpu);
    const us = ((performance.now() - start) * 1000) / count;
    const cpuUs = (user + system) / count;
    console.log(`${what.padEnd(40)}${us.toFixed(2).padStart(12)} us  cpu ${cpuUs.toFixed(2)} us`);
  };
  const done = body();
  if (done instanceof Promise) return done.then(print);
  print();
  return undefined;
}

function report(what: string): void {
  const { rss, heapUsed, external } = process.memoryUsage();
  const mib = (bytes: number): string => `${Math.round(bytes / 1048576)} MiB`;
  console.log(`${what}: rss ${mib(rss)}, heap ${mib(heapUsed)}, external ${mib(external)}`);
}
