import { spawn } from 'node:child_process';
import type { WatchResponse } from '@kvorum/api';
import type { Host } from '../../host.ts';
import { goQuote } from '../../output/go-quote.ts';
import { eventName } from './watch-rendering.ts';

/**
 * Runs a program for each event, one after the other, with the event in its environment. Resolves with what went wrong
 * with one of them, and runs no more then.
 */
export async function runForEvents(
  command: readonly string[],
  { header, events }: WatchResponse,
  host: Host,
): Promise<string | undefined> {
  for (const event of events) {
    const failure = await run(
      command,
      {
        ...host.env,
        ETCD_WATCH_REVISION: String(header?.revision ?? 0n),
        ETCD_WATCH_EVENT_TYPE: goQuote(eventName(event)),
        ETCD_WATCH_KEY: goQuote(event.kv?.key ?? new Uint8Array()),
        ETCD_WATCH_VALUE: goQuote(event.kv?.value ?? new Uint8Array()),
      },
      host,
    );
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function run(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  host: Host,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (data: Buffer) => host.stdout.write(data));
    child.stderr.on('data', (data: Buffer) => host.stderr.write(data));
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT';
      const notFound = `exec: ${goQuote(program)}: executable file not found in $PATH`;
      resolve(isMissing ? notFound : error.message);
    });
    child.once('close', (code, signal) => {
      if (signal !== null) resolve(`signal: ${signal}`);
      else resolve(code === 0 ? undefined : `exit status ${code}`);
    });
  });
}
