import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server program to be measured. */
export interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** A running server with its own data folder on the disk of the temporary folder. */
export interface RunningServer {
  readonly name: string;
  readonly port: number;
  readonly dataDir: string;
  /** User and system time that the process has used, in seconds. */
  cpuSeconds(): number;
  rssBytes(): number;
  /** Ends the process; `keepData` leaves the folder for a later start. */
  stop(options?: { keepData?: boolean }): Promise<void>;
}

const READY = 'ready to serve client requests';
const START_TIMEOUT_MS = 120_000;
/** Jiffies per second on every Linux that Node runs on. */
const CLOCK_TICKS = 100;

/** Where a member of a cluster is to be found. */
export interface Place {
  readonly name: string;
  readonly port: number;
  readonly peerUrl: string;
}

/** Starts a contender on free ports and resolves when it serves; rejects with its last words otherwise. */
export async function startServer(contender: Contender, dataDir?: string): Promise<RunningServer> {
  const [place] = await freePlaces(1);
  if (place === undefined) throw new Error('no free ports');
  return startMember(contender, place, [place], dataDir);
}

/** The same for several members of one cluster, on this machine; resolves when all of them serve. */
export async function startCluster(contender: Contender, size: number): Promise<RunningServer[]> {
  const places = await freePlaces(size);
  return await Promise.all(places.map((place) => startMember(contender, place, places)));
}

async function startMember(
  contender: Contender,
  { name, port, peerUrl }: Place,
  founders: readonly Place[],
  dataDir?: string,
): Promise<RunningServer> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'kvorum-bench-'));
  const url = `http://127.0.0.1:${port}`;
  const cluster = founders.map((place) => `${place.name}=${place.peerUrl}`).join(',');
  const child = spawn(
    contender.command,
    [
      ...contender.args,
      ...['--name', name, '--data-dir', folder],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', cluster, '--quota-backend-bytes', '17179869184'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH } },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await ready(child);
  const pid = child.pid ?? 0;
  return {
    name: contender.name,
    port,
    dataDir: folder,
    cpuSeconds: () => cpuSeconds(pid),
    rssBytes: () => rssBytes(pid),
    async stop({ keepData = false } = {}) {
      child.kill('SIGTERM');
      await ended;
      if (!keepData) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  let log = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not ready after ${START_TIMEOUT_MS} ms:\n${log.slice(-2000)}`));
    }, START_TIMEOUT_MS);
    child.stderr?.on('data', (chunk: Buffer) => {
      if (log.length < 100_000) log += chunk.toString();
      if (!log.includes(READY)) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code}:\n${log.slice(-2000)}`));
    });
  });
}

/** Ports that nobody listens on: two for each place. */
export async function freePlaces(count: number): Promise<Place[]> {
  const servers = Array.from({ length: 2 * count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Array.from({ length: count }, (_, i) => ({
    name: `bench${i + 1}`,
    port: ports[2 * i] ?? 0,
    peerUrl: `http://127.0.0.1:${ports[2 * i + 1]}`,
  }));
}

/** User and system time that a process has used, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** What a process has in memory. */
export function rssBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
