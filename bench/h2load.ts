import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadResult } from './report.ts';
import { percentile } from './statistics.ts';

export interface H2LoadOptions {
  readonly port: number;
  /** Such as `/etcdserverpb.KV/Put`. */
  readonly path: string;
  /** The protobuf message that every call sends. */
  readonly message: Uint8Array;
  readonly connections: number;
  /** Calls in flight per connection. */
  readonly streams: number;
  readonly calls: number;
}

/** Sends the same unary gRPC call many times with h2load, which is light enough to leave the cores to the server. */
export async function h2load(options: H2LoadOptions): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'kvorum-h2load-'));
  const body = join(folder, 'body');
  const log = join(folder, 'log');
  const head = Buffer.alloc(5);
  head.writeUInt32BE(options.message.length, 1);
  writeFileSync(body, Buffer.concat([head, options.message]));
  try {
    const { stdout } = await promisify(execFile)('h2load', [
      ...['-c', String(options.connections), '-m', String(options.streams)],
      ...['-n', String(options.calls), '-d', body, '--log-file', log],
      ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
      `http://127.0.0.1:${options.port}${options.path}`,
    ]);
    return resultOf(options, stdout, readFileSync(log, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(options: H2LoadOptions, output: string, log: string): LoadResult {
  const succeeded = Number(/(\d+) succeeded/.exec(output)?.[1] ?? 0);
  if (succeeded !== options.calls) {
    throw new Error(`${options.calls - succeeded} of ${options.calls} calls failed:\n${output}`);
  }
  const perSecond = Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(output)?.[1] ?? 0);
  const latencies: number[] = [];
  for (const line of log.split('\n')) {
    const us = Number(line.split('\t')[2]);
    if (line !== '') latencies.push(us / 1000);
  }
  latencies.sort((a, b) => a - b);
  return {
    operations: options.calls,
    perSecond,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    p999Ms: percentile(latencies, 0.999),
  };
}
