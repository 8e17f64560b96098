// node --conditions=kvorum-source bench/pipe.ts [--keys N] [--server kvorum|etcd]
//
// How long it takes to pipe all keys of a server out of it, and how much memory: `kvctl get --prefix ''` and
// `kvctl export` beside the real etcdctl's get, on the same server.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectRpc } from '@kvorum/client';
import { startEtcd, startKvorum } from '../tests/framework/member.ts';
import { realEtcd } from '../tests/framework/real-etcd.ts';

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '100000' },
    server: { type: 'string', default: 'kvorum' },
    rounds: { type: 'string', default: '3' },
  },
});
const keyCount = Number(values.keys);
const kvctl = join(import.meta.dirname, '../packages/ctl/dist/kvctl.cjs');

/** Loads keys of 24 bytes with values of 100. */
async function load(endpoint: string): Promise<void> {
  using client = connectRpc({ endpoints: [endpoint], timeoutMs: 60_000 });
  const perTxn = 100;
  let next = 0;
  const lane = async () => {
    while (next < keyCount) {
      const begin = next;
      next += perTxn;
      const success = Array.from({ length: Math.min(perTxn, keyCount - begin) }, (_, at) => {
        const name = String(begin + at).padStart(10, '0');
        const value = { key: Buffer.from(`registry/pods/${name}`), value: Buffer.alloc(100, name) };
        return { request: { case: 'requestPut' as const, value } };
      });
      await client.kv.txn({ success });
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

interface Run {
  readonly seconds: number;
  readonly bytes: number;
  readonly peakRssMiB: number;
}

/** Runs a program, throws its output away, and looks at its peak memory while it runs. */
function pipe(file: string, args: readonly string[]): Promise<Run> {
  const begin = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  let peakKiB = 0;
  const look = () => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  };
  const watch = setInterval(look, 20);
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(watch);
      if (code !== 0) reject(new Error(`${file} ended with ${code}`));
      const seconds = (performance.now() - begin) / 1000;
      resolve({ seconds, bytes, peakRssMiB: Math.round(peakKiB / 1024) });
    });
  });
}

const real = realEtcd('3.5');
if (values.server === 'etcd' && real === undefined) throw new Error('there is no real etcd');
await using member =
  real !== undefined && values.server === 'etcd' ? await startEtcd(real) : await startKvorum();
await load(member.endpoint);
const node = process.execPath;
const flags = [`--endpoints=${member.endpoint}`, '--command-timeout=120s'];
const contestants: readonly (readonly [string, string, readonly string[]])[] = [
  ['kvctl get', node, [kvctl, 'get', '--prefix', '', ...flags]],
  ['kvctl export', node, [kvctl, 'export', ...flags]],
  ...(real === undefined
    ? []
    : [['etcdctl get', real.etcdctl, ['get', '--prefix', '', ...flags]] as const]),
];
process.stdout.write(`${keyCount} keys of 24 + 100 bytes on ${values.server}\n`);
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const [name, file, args] of contestants) {
    const { seconds, bytes, peakRssMiB } = await pipe(file, args);
    process.stdout.write(
      `${name.padEnd(14)} ${seconds.toFixed(2).padStart(6)} s  ${bytes} bytes  peak ${peakRssMiB} MiB\n`,
    );
  }
}
