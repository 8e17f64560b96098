import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { framed, messageOf, unaryPath } from '../echo-contract.ts';
import type { LoadDone } from './main.ts';

/** Makes so many unary calls with h2load (Debian: nghttp2-client). Throws when one of them fails. */
export async function h2load(
  port: number,
  calls: number,
  load: {
    readonly messageBytes: number;
    readonly connections: number;
    readonly streams: number;
  },
): Promise<LoadDone> {
  const folder = mkdtempSync(join(tmpdir(), 'h2-bench-'));
  try {
    const body = join(folder, 'body');
    writeFileSync(body, framed(messageOf(load.messageBytes)));
    const { stdout } = await promisify(execFile)('h2load', [
      ...['-n', String(calls), '-c', String(load.connections), '-m', String(load.streams)],
      ...['-d', body, '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
      `http://127.0.0.1:${port}${unaryPath}`,
    ]);
    const perSecond = Number(/([0-9.]+) req\/s/.exec(stdout)?.[1]);
    const isWhole = stdout.includes(`${calls} succeeded`) && perSecond > 0;
    if (!isWhole) throw new Error(`calls have failed:\n${stdout}`);
    return { calls, seconds: calls / perSecond };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
