// Appending batches to a log on the real disk: `node packages/wal/bench/append.bench.ts [folder]`.
// Prints ns per 300-byte entry for encoding and writing (no sync), and us per sync of small batches.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Encoder } from '../src/encoder.ts';
import { nodeDisk, Wal, type WalRecord } from '../src/index.ts';
import { ENTRY } from '../src/record.ts';
import { entryOf } from '../src/testing/index.ts';

const SIZE = 290;
const BATCH = 2000;

function batch(from: number, count: number): WalRecord[] {
  return Array.from({ length: count }, (_, i) => entryOf(from + i, new Uint8Array(SIZE).fill(i)));
}

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'kvorum-wal-bench-'));
try {
  const records = batch(1, BATCH);
  const encoder = new Encoder(0);
  for (let round = 0; round < 60; round++) {
    if (round === 20) performance.mark('encode');
    for (const record of records) encoder.add(ENTRY, record.data);
    encoder.clear();
  }
  const encode = performance.measure('encode', 'encode').duration;
  console.log(
    `encode  ${((encode * 1e6) / (40 * BATCH)).toFixed(0)} ns per entry  (sum ${encoder.crc})`,
  );

  const wal = Wal.create({ disk: nodeDisk(), dir: `${folder}/wal`, metadata: new Uint8Array(12) });
  performance.mark('append');
  let written = 0;
  while (wal.segments.length === 1 && written < 160_000) {
    wal.append(records);
    written += BATCH;
  }
  const append = performance.measure('append', 'append').duration;
  console.log(
    `append  ${((append * 1e6) / written).toFixed(0)} ns per entry, ${written} entries in batches of ${BATCH}`,
  );

  while (!wal.prepareNext(1 << 20)) await nextTurn();
  performance.mark('cut');
  wal.cut();
  console.log(`cut     ${performance.measure('cut', 'cut').duration.toFixed(1)} ms`);
  for (const count of [1, 10, 100, 1000]) {
    const some = batch(1, count);
    const took: number[] = [];
    const tookAway: number[] = [];
    for (let i = 0; i < 100; i++) {
      performance.mark('sync');
      wal.append(some);
      wal.syncNow();
      took.push(performance.measure('sync', 'sync').duration);
      performance.mark('away');
      wal.append(some);
      await wal.sync();
      tookAway.push(performance.measure('away', 'away').duration);
    }
    const median = (list: number[]): string =>
      ((list.sort((a, b) => a - b)[50] ?? 0) * 1000).toFixed(0);
    console.log(
      `append + sync of ${count}: in place ${median(took)} us, on a pool thread ${median(tookAway)} us (medians)`,
    );
  }
  wal.close();
} finally {
  rmSync(folder, { recursive: true });
}
