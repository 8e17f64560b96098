// CRC-32C at the sizes of records: `node packages/wal/bench/crc.bench.ts [--native path/to/@node-rs/crc32]`.
// Prints ns per call and MB/s of our tables, and of the native package if one is given (it is no dependency).

import { pathToFileURL } from 'node:url';
import { crc32c } from '../src/crc32c.ts';

type Crc = (previous: number, bytes: Uint8Array) => number;

const SIZES = [32, 128, 300, 1024, 4096, 65_536];
const BYTES_PER_RUN = 50_000_000;

async function candidates(): Promise<[string, Crc][]> {
  const list: [string, Crc][] = [['tables', crc32c]];
  const at = process.argv.indexOf('--native');
  const path = process.argv[at + 1];
  if (at > 0 && path !== undefined) {
    const native = (await import(pathToFileURL(path).href)) as {
      crc32c: (bytes: Uint8Array, previous: number) => number;
    };
    list.push(['native', (previous, bytes) => native.crc32c(bytes, previous)]);
  }
  return list;
}

/** Many buffers, so that one hot cache line does not flatter. */
function inputs(size: number): Uint8Array[] {
  return Array.from({ length: 64 }, (_, k) =>
    Uint8Array.from({ length: size }, (_, i) => (i * 31 + k * 7) & 255),
  );
}

function run(crc: Crc, buffers: readonly Uint8Array[], calls: number): { ms: number; sum: number } {
  let sum = 0;
  performance.mark('start');
  for (let i = 0; i < calls; i++) sum = crc(sum, buffers[i & 63] as Uint8Array);
  return { ms: performance.measure('run', 'start').duration, sum };
}

const list = await candidates();
for (const size of SIZES) {
  const buffers = inputs(size);
  const calls = Math.ceil(BYTES_PER_RUN / size / 64) * 64;
  for (const [name, crc] of list) {
    run(crc, buffers, calls >> 2);
    const { ms, sum } = run(crc, buffers, calls);
    const perCall = ((ms * 1e6) / calls).toFixed(0);
    const rate = ((size * calls) / ms / 1000).toFixed(0);
    console.log(`${size} B  ${name}  ${perCall} ns  ${rate} MB/s  sum ${sum.toString(16)}`);
  }
}
