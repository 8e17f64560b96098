import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleVariable } from './bundled-server.ts';
import { readMetric } from './metric.ts';
import { freePorts } from './ports.ts';
import { type ExitStatus, RunningProgram } from './process.ts';
import type { RealEtcd } from './real-etcd.ts';

export interface MemberOptions {
  /** Kept when the member is disposed of. Default: a folder of its own, removed with it. */
  readonly dataDir?: string;
  /** More flags, after those for addresses and the data folder. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How to run one of the servers. */
export interface ServerProgram {
  readonly file: string;
  readonly args: readonly string[];
}

const root = join(import.meta.dirname, '../..');

/** Loads of a busy machine included. */
const READY_DEADLINE_MS = 30_000;
const START_ATTEMPTS = 3;

/**
 * What members advertise to their peers. They don't listen there, but it decides the ids: every member of a cluster of
 * one has the same, so answers of two servers can be compared as they are.
 */
const ADVERTISED_PEER_URL = 'http://127.0.0.1:2380';

/**
 * Starts Kvorum from its sources, or the program that KVORUM_TEST_SERVER names (such as bin/kvorum), as a cluster
 * of one.
 */
export function startKvorum(options: MemberOptions = {}): Promise<TestMember> {
  return TestMember.start(kvorumProgram(), options);
}

/** Starts the real etcd as a cluster of one. */
export function startEtcd(real: RealEtcd, options: MemberOptions = {}): Promise<TestMember> {
  return TestMember.start(etcdProgram(real), options);
}

export function etcdProgram(real: RealEtcd): ServerProgram {
  return { file: real.etcd, args: [] };
}

/** A member of each, started side by side. */
export async function startBoth(
  real: RealEtcd,
  options: MemberOptions = {},
): Promise<{ readonly etcd: TestMember; readonly kvorum: TestMember } & AsyncDisposable> {
  const [etcd, kvorum] = await Promise.all([startEtcd(real, options), startKvorum(options)]);
  const dispose = async () => {
    await Promise.all([etcd, kvorum].map((member) => member[Symbol.asyncDispose]()));
  };
  return { etcd, kvorum, [Symbol.asyncDispose]: dispose };
}

/** How to run Kvorum by hand, for tests that need no running member. */
export function kvorumProgram(): ServerProgram {
  const other = process.env.KVORUM_TEST_SERVER;
  if (other !== undefined) return { file: other, args: [] };
  const bundle = process.env[bundleVariable];
  return {
    file: join(root, 'node_modules/node/bin/node'),
    args:
      bundle === undefined
        ? ['--conditions=kvorum-source', join(root, 'packages/server/src/main.ts')]
        : [bundle],
  };
}

/** A member in a process of its own: the real etcd or Kvorum, alike to tests. */
export class TestMember {
  readonly dataDir: string;
  readonly #program: ServerProgram;
  readonly #options: MemberOptions;
  #clientPort = 0;
  #process: RunningProgram;

  private constructor(
    program: ServerProgram,
    options: MemberOptions,
    dataDir: string,
    process: RunningProgram,
    clientPort: number,
  ) {
    this.#program = program;
    this.#options = options;
    this.dataDir = dataDir;
    this.#process = process;
    this.#clientPort = clientPort;
  }

  /** Resolves when the member serves clients. */
  static async start(program: ServerProgram, options: MemberOptions): Promise<TestMember> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'kvorum-test-')));
    for (let attempt = 1; ; attempt++) {
      const [clientPort = 0, peerPort = 0] = await freePorts(2);
      const process = await spawnMember(program, options, dataDir, clientPort, peerPort);
      try {
        await ready(process);
        return new TestMember(program, options, dataDir, process, clientPort);
      } catch (error) {
        await process[Symbol.asyncDispose]();
        const taken = /address (is|already) in use/i.test(process.stderr.text);
        if (!taken || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** Where clients reach it, as `host:port`. */
  get endpoint(): string {
    return `127.0.0.1:${this.#clientPort}`;
  }

  get url(): string {
    return `http://${this.endpoint}`;
  }

  /** The process that serves now, or the last one that did. */
  get process(): RunningProgram {
    return this.#process;
  }

  /** Ends it without warning. */
  async kill(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }

  /** Ends it in good order. */
  stop(): Promise<ExitStatus> {
    return this.#process.stop('SIGTERM');
  }

  /** Starts it again after `kill` or `stop`, on the same data and client port. Resolves when it serves clients. */
  async restart(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.respawn();
      try {
        await ready(this.#process);
        return;
      } catch (error) {
        // A port that was free a moment ago may be somebody else's by now.
        const isTaken = /address (is|already) in use/i.test(this.#process.stderr.text);
        if (!isTaken || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** As `restart`, but resolves as soon as the process exists. */
  async respawn(): Promise<void> {
    if (!this.#process.hasEnded) throw new Error('the member still runs');
    const [peerPort = 0] = await freePorts(1);
    const port = this.#clientPort;
    this.#process = await spawnMember(this.#program, this.#options, this.dataDir, port, peerPort);
  }

  /** See `readMetric`. */
  metric(series: string): Promise<number | undefined> {
    return readMetric(this.url, series);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    if (this.#options.dataDir === undefined) {
      await rm(this.dataDir, { recursive: true, force: true });
    }
  }
}

async function ready(process: RunningProgram): Promise<void> {
  await process.stderr.line(/ready to serve client requests/, READY_DEADLINE_MS);
}

function spawnMember(
  { file, args }: ServerProgram,
  options: MemberOptions,
  dataDir: string,
  clientPort: number,
  peerPort: number,
): Promise<RunningProgram> {
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const flags = [
    '--name=m1',
    `--data-dir=${dataDir}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=${ADVERTISED_PEER_URL}`,
    `--initial-cluster=m1=${ADVERTISED_PEER_URL}`,
    ...(options.flags ?? []),
  ];
  return RunningProgram.start(file, {
    args: [...args, ...flags],
    ...(options.env === undefined ? {} : { env: options.env }),
  });
}
