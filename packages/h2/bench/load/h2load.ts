import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { framed, messageOf, paths, prefixBytes } from '../echo-contract.ts';
import type { Method } from '../plan.ts';
import { connectionWindowBytes, streamWindowBytes } from '../windows.ts';
import type { LoadDone } from './main.ts';

/** What h2load's calls are. */
export interface H2Load {
  readonly method: Method;
  readonly messageBytes: number;
  /** Messages of each answer. */
  readonly messages: number;
  readonly connections: number;
  readonly streams: number;
}

/** Makes so many calls with h2load (Debian: nghttp2-client). Throws when one of them fails or brings too little. */
export async function h2load(port: number, calls: number, load: H2Load): Promise<LoadDone> {
  const folder = mkdtempSync(join(tmpdir(), 'h2-bench-'));
  try {
    const body = join(folder, 'body');
    writeFileSync(body, framed(messageOf(load.messageBytes)));
    const { stdout } = await promisify(execFile)('h2load', [
      ...['-n', String(calls), '-c', String(load.connections), '-m', String(load.streams)],
      ...[
        '-w',
        String(Math.log2(streamWindowBytes)),
        '-W',
        String(Math.log2(connectionWindowBytes)),
      ],
      ...['-d', body, '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
      `http://127.0.0.1:${port}${paths[load.method]}`,
    ]);
    const perSecond = Number(/([0-9.]+) req\/s/.exec(stdout)?.[1]);
    const dataBytes = Number(/\((\d+)\) data/.exec(stdout)?.[1]);
    const wantedBytes = calls * load.messages * (prefixBytes + load.messageBytes);
    const isWhole = stdout.includes(`${calls} succeeded`) && dataBytes === wantedBytes;
    if (!isWhole || !(perSecond > 0)) throw new Error(`calls have failed:\n${stdout}`);
    return { calls, seconds: calls / perSecond };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
