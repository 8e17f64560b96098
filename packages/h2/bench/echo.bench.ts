/**
 * Calls per second and CPU per call of a unary echo, on this package and on `node:http2`.
 *
 *     node packages/h2/bench/echo.bench.ts [calls]
 *
 * The load comes from h2load (Debian: nghttp2-client), which shares the machine with the server. Rounds
 * of both are interleaved, and the median counts.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Load {
  readonly name: string;
  readonly connections: number;
  readonly streams: number;
  readonly bodyBytes: number;
}

const loads: readonly Load[] = [
  { name: '100 connections x 10', connections: 100, streams: 10, bodyBytes: 256 },
  { name: '1 connection x 1', connections: 1, streams: 1, bodyBytes: 256 },
  { name: '1 connection x 100', connections: 1, streams: 100, bodyBytes: 256 },
  { name: '10 connections x 10, 64 KiB', connections: 10, streams: 10, bodyBytes: 65_536 },
];
const rounds = 3;
const calls = Number(process.argv[2] ?? 200_000);

interface Result {
  readonly callsPerSecond: number;
  readonly cpuMicros: number;
}

async function measure(kind: string, load: Load, bodyFile: string): Promise<Result> {
  const script = new URL('./echo-server.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<number> => Number((await lines.next()).value);
  try {
    const port = await next();
    const count = load.bodyBytes > 4096 ? calls / 20 : load.connections === 1 ? calls / 4 : calls;
    // Once to warm up, once for the record.
    runLoad(port, load, count / 4, bodyFile);
    const before = await cpu(child, next);
    const callsPerSecond = runLoad(port, load, count, bodyFile);
    const used = (await cpu(child, next)) - before;
    return { callsPerSecond, cpuMicros: used / count };
  } finally {
    child.kill();
  }
}

async function cpu(child: ChildProcess, next: () => Promise<number>): Promise<number> {
  child.kill('SIGUSR2');
  return await next();
}

function runLoad(port: number, load: Load, count: number, bodyFile: string): number {
  const output = execFileSync('h2load', [
    ...['-n', String(Math.round(count)), '-c', String(load.connections)],
    ...['-m', String(load.streams), '-d', bodyFile],
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    `http://127.0.0.1:${port}/bench.Echo/Call`,
  ]).toString();
  if (!/ 0 failed, 0 errored/.test(output)) throw new Error(output);
  return Number(/([0-9.]+) req\/s/.exec(output)?.[1]);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const folder = mkdtempSync(join(tmpdir(), 'h2-bench-'));
try {
  for (const load of loads) {
    const bodyFile = join(folder, 'body');
    const body = Buffer.alloc(5 + load.bodyBytes, 0x61);
    body.writeUIntBE(load.bodyBytes, 0, 5);
    writeFileSync(bodyFile, body);
    const results = new Map<string, Result[]>([
      ['h2', []],
      ['node', []],
    ]);
    for (let round = 0; round < rounds; round++) {
      for (const [kind, list] of results) list.push(await measure(kind, load, bodyFile));
    }
    console.log(load.name);
    for (const [kind, list] of results) {
      const rate = Math.round(median(list.map((result) => result.callsPerSecond)));
      const micros = median(list.map((result) => result.cpuMicros)).toFixed(1);
      console.log(`  ${kind.padEnd(5)} ${String(rate).padStart(8)} calls/s  ${micros} us CPU/call`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
