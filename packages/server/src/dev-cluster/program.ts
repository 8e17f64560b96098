import { type ChildProcess, spawn } from 'node:child_process';
import { systemClock } from '../clock.ts';
import { ConfigError } from '../config/config-error.ts';
import { prepareDataFolder } from './data-folder.ts';
import { DevCluster } from './dev-cluster.ts';
import { HOST, type Place, placesOf } from './layout.ts';
import type { SpawnMember } from './local-member.ts';
import { type DevClusterOptions, devClusterUsage, parseDevClusterOptions } from './options.ts';
import { PeerProxies, probe } from './peer-proxies.ts';
import { Printer } from './printer.ts';
import { askStatus } from './status-call.ts';

/**
 * `kvorum dev-cluster`: runs a cluster on this machine until a key or a signal ends it, and resolves with the exit code.
 * Installs handlers of the process, so it is called once.
 */
export async function runDevCluster(args: readonly string[]): Promise<number> {
  try {
    const options = parseDevClusterOptions(args);
    if (options.help) {
      process.stdout.write(devClusterUsage);
      return 0;
    }
    return await run(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const usage = error.code === 'usage' ? devClusterUsage : '';
    process.stderr.write(`kvorum: ${error.message}\n${usage}`);
    return error.exitCode;
  }
}

async function run(options: DevClusterOptions): Promise<number> {
  const places = placesOf(options);
  // The ports first: whoever has them may be using the data directory, too.
  const proxies = await takePorts(places);
  try {
    await prepareDataFolder(options, places);
  } catch (error) {
    await proxies.close();
    throw error;
  }
  const canIsolate = await hasLocalAddresses(places);
  const children = new Set<ChildProcess>();
  const { stdin, stdout } = process;
  const cluster = new DevCluster({
    places,
    memberFlags: options.memberFlags,
    proxies,
    printer: new Printer((text) => stdout.write(text), stdout.isTTY && stdout.hasColors()),
    spawn: spawnerOf(children),
    askStatus,
    after: systemClock.after,
    hasKeys: stdin.isTTY,
    canIsolate,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => cluster.stop());
  }
  // Nothing outlives this process, even when it ends by a bug.
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
  });
  const stopKeys = stdin.isTTY ? readKeys(cluster) : () => {};
  cluster.start();
  const code = await cluster.finished;
  stopKeys();
  return code;
}

/** Opens the proxies and looks whether the ports of the members are free. */
async function takePorts(places: readonly Place[]): Promise<PeerProxies> {
  try {
    for (const { clientPort, peerPort } of places) {
      await probe(clientPort, HOST);
      await probe(peerPort, HOST);
    }
    return await PeerProxies.open(places);
  } catch (error) {
    throw new ConfigError('invalid', portProblem(error));
  }
}

function portProblem(error: unknown): string {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  const port = isTaken && 'port' in error ? error.port : undefined;
  if (port !== undefined) {
    return `port ${port} of ${HOST} is taken: stop what listens there, or choose others with --base-port`;
  }
  return `cannot listen: ${error instanceof Error ? error.message : String(error)}`;
}

async function hasLocalAddresses(places: readonly Place[]): Promise<boolean> {
  try {
    for (const { localAddress } of places) await probe(0, localAddress);
    return true;
  } catch {
    return false;
  }
}

/** Starts members as this process was started, but for the flags; `children` has those that run. */
function spawnerOf(children: Set<ChildProcess>): SpawnMember {
  const { execPath, execArgv, argv } = process;
  // What configures a single member would be wrong for three.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_'));
  const env = Object.fromEntries(inherited);
  return (flags) => {
    const child = spawn(execPath, [...execArgv, argv[1] ?? '', ...flags], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C on a terminal is for this process, which then ends the members in good order.
      detached: true,
    });
    children.add(child);
    child.once('error', () => {
      if (child.pid === undefined) children.delete(child);
    });
    child.once('exit', () => children.delete(child));
    return child;
  };
}

/** Takes single keys from the terminal until the returned function is called. */
function readKeys(cluster: DevCluster): () => void {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', (keys: string) => {
    for (const key of keys) void cluster.press(key);
  });
  return () => {
    stdin.setRawMode(false);
    stdin.pause();
  };
}
