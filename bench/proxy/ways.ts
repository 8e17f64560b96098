import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, freePlaces, type RunningServer } from '../servers.ts';

/** A way to a member: by itself, or by a proxy of whichever program. */
export interface Way {
  readonly name: string;
  readonly port: number;
  /** User and system time that the proxy has used, in seconds; 0 without one. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** A program with proxies in it. */
export interface ProxyProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const START_TIMEOUT_MS = 30_000;

/** The member itself. */
export function directWay({ port }: RunningServer): Way {
  return { name: 'direct', port, cpuSeconds: () => 0, stop: async () => {} };
}

/** Starts a proxy before a member; resolves when it takes connections. */
export async function startWay(
  { name, command, args }: ProxyProgram,
  kind: 'gateway' | 'grpc-proxy',
  member: RunningServer,
): Promise<Way> {
  const [place] = await freePlaces(1);
  if (place === undefined) throw new Error('no free ports');
  const { port } = place;
  const flags = [`--listen-addr=127.0.0.1:${port}`, `--endpoints=127.0.0.1:${member.port}`];
  const child = spawn(command, [...args, kind, 'start', ...flags], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH },
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const end = performance.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (performance.now() > end || child.exitCode !== null) {
      await stop();
      throw new Error(`${name} ${kind} does not listen`);
    }
    await delay(20);
  }
  const pid = child.pid ?? 0;
  return { name: `${name} ${kind}`, port, cpuSeconds: () => cpuSeconds(pid), stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
