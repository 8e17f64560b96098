import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RunningServer } from '../servers.ts';
import { subjects } from './subjects.ts';

/** What a process of `load.ts` prints. */
interface Figures {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One run of a load with one client. */
export interface Sample extends Figures {
  readonly load: string;
  readonly inFlight: number;
  readonly subject: string;
}

/** Each load with the numbers of calls in flight; many ranges of so many keys would only fill memory. */
export const plan: readonly (readonly [load: string, inFlight: readonly number[]])[] = [
  ['put', [1, 100]],
  ['get', [1, 100]],
  ['txn', [1, 100]],
  ['lease keep-alive', [1, 100]],
  ['watch', [1, 100]],
  ['range of 10,000 keys', [1, 100]],
];

/** Runs a load in a process of its own, warming up and measuring for so many seconds each. Rejects when it fails. */
export async function measure(
  server: RunningServer,
  load: string,
  inFlight: number,
  subject: string,
  seconds: number,
): Promise<Sample> {
  const script = join(import.meta.dirname, 'load.ts');
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=kvorum-source', script, '--subject', subject, '--load', load],
      ...['--in-flight', String(inFlight), '--seconds', String(seconds)],
      ...['--endpoint', `127.0.0.1:${server.port}`],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let result = '';
  let writer: { stop(): Promise<void> } | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== 'ready') result = line;
    else if (load === 'watch') writer = write(server);
  }
  await writer?.stop();
  await ended;
  if (result === '') throw new Error(`${subject} has not measured ${load}`);
  return { load, inFlight, subject, ...(JSON.parse(result) as Figures) };
}

/** Writes keys that are watched, from this process, with the same client whoever watches. */
function write(server: RunningServer): { stop(): Promise<void> } {
  const make = subjects.kvorum;
  if (make === undefined) throw new Error('there is no client to write with');
  const client = make(`127.0.0.1:${server.port}`);
  const value = Buffer.alloc(256, 'x');
  let isStopped = false;
  let turn = 0;
  const lane = async () => {
    while (!isStopped) await client.put(`bench/watch/${turn++ % 1000}`, value);
  };
  const lanes = Promise.all(Array.from({ length: 100 }, lane));
  return {
    stop: async () => {
      isStopped = true;
      await lanes;
      client.close();
    },
  };
}
