import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestClient } from './client.ts';
import { eventually } from './eventually.ts';
import { kvorumProgram, type ServerProgram } from './member.ts';
import { readMetric, readMetrics } from './metric.ts';
import { freePorts } from './ports.ts';
import { type ExitStatus, RunningProgram } from './process.ts';

export interface ClusterOptions {
  /** Founding members. Default 3. */
  readonly size?: number;
  /** How to run a member; Kvorum from its sources by default. */
  readonly program?: ServerProgram;
  /** More flags for every member, after those for addresses and folders. */
  readonly flags?: readonly string[];
  /** The flags by which a member finds the others. Default: --initial-cluster. */
  readonly bootstrapOf?: (member: ClusterMember) => readonly string[];
  /** Called by `start` whenever ports were chosen, before members are started on them. */
  readonly prepared?: (cluster: TestCluster) => Promise<void>;
  readonly env?: Readonly<Record<string, string>>;
  /** Each process is killed after so long, whatever happens to the test. Default 5 minutes, in milliseconds. */
  readonly lifetimeMs?: number;
  /**
   * What others dial to reach a member's peer port, given the port it listens on: a proxy's address, to come between.
   * Default: the port itself.
   */
  readonly peerPortOf?: (listenPort: number, index: number) => number;
  /** What members speak, with clients and with each other; https wants flags with certificates. Default: http. */
  readonly scheme?: 'http' | 'https';
}

/** Loads of a busy machine included. */
const READY_DEADLINE_MS = 30_000;
const READY = /ready to serve client requests/;
const START_ATTEMPTS = 3;

/** A member of a cluster, in a process of its own. */
export class ClusterMember {
  readonly name: string;
  readonly index: number;
  readonly dataDir: string;
  readonly clientPort: number;
  /** Where it listens for other members. */
  readonly peerPort: number;
  /** What it tells them. */
  readonly advertisedPeerPort: number;
  readonly #cluster: TestCluster;
  #process: RunningProgram | undefined;

  constructor(
    cluster: TestCluster,
    index: number,
    ports: { client: number; peer: number; advertised: number },
    dataDir: string,
  ) {
    this.#cluster = cluster;
    this.index = index;
    this.name = `m${index + 1}`;
    this.dataDir = dataDir;
    this.clientPort = ports.client;
    this.peerPort = ports.peer;
    this.advertisedPeerPort = ports.advertised;
  }

  /** Where clients reach it, as `host:port`. */
  get endpoint(): string {
    return `127.0.0.1:${this.clientPort}`;
  }

  get url(): string {
    return `${this.#cluster.scheme}://${this.endpoint}`;
  }

  get peerUrl(): string {
    return `${this.#cluster.scheme}://127.0.0.1:${this.advertisedPeerPort}`;
  }

  get isRunning(): boolean {
    return this.#process?.hasEnded === false;
  }

  /** The process that runs now, or the last one that did. Throws before the first. */
  get process(): RunningProgram {
    if (this.#process === undefined) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  /** Starts the process and resolves when it exists; it serves once a majority runs. */
  async spawn(flags: readonly string[] = []): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    this.#process = await this.#cluster.spawn(this, flags);
  }

  /** Resolves when it serves clients; rejects when it ends before. */
  async ready(): Promise<void> {
    await this.process.stderr.line(READY, READY_DEADLINE_MS);
  }

  /** Ends it without warning. */
  async kill(): Promise<void> {
    await this.process.stop('SIGKILL');
  }

  /** Ends it in good order. */
  stop(): Promise<ExitStatus> {
    return this.process.stop('SIGTERM');
  }

  /** Holds it still, as a machine that hangs; `resume` lets it go on. */
  pause(): void {
    this.process.signal('SIGSTOP');
  }

  resume(): void {
    this.process.signal('SIGCONT');
  }

  /** Starts it again on its data, and resolves when it serves clients. */
  async restart(flags: readonly string[] = []): Promise<void> {
    await this.spawn(flags);
    await this.ready();
  }

  /** A client of this member alone, to be closed by the caller. */
  client(): TestClient {
    return new TestClient(this.url);
  }

  /** See `readMetric`. */
  metric(series: string): Promise<number | undefined> {
    return readMetric(this.url, series);
  }
}

/** Members in processes of their own, on free ports of this machine, that form a cluster. */
export class TestCluster implements AsyncDisposable {
  readonly folder: string;
  readonly #options: ClusterOptions;
  #members: ClusterMember[] = [];
  #placed = 0;

  private constructor(options: ClusterOptions, folder: string) {
    this.#options = options;
    this.folder = folder;
  }

  /** Starts all founding members and resolves when all of them serve clients. */
  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    for (let attempt = 1; ; attempt++) {
      const cluster = await TestCluster.prepare(options);
      try {
        await options.prepared?.(cluster);
        await Promise.all(cluster.members.map((member) => member.spawn()));
        await Promise.all(cluster.members.map((member) => member.ready()));
        return cluster;
      } catch (error) {
        const said = cluster.members.map((member) => member.process.stderr.text).join('\n');
        await cluster[Symbol.asyncDispose]();
        const isTaken = /address (is|already) in use/i.test(said);
        if (!isTaken || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** Chooses ports and folders, and starts nothing. */
  static async prepare(options: ClusterOptions = {}): Promise<TestCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-cluster-'));
    const cluster = new TestCluster(options, folder);
    for (let i = 0; i < (options.size ?? 3); i++) await cluster.#place();
    return cluster;
  }

  get members(): readonly ClusterMember[] {
    return this.#members;
  }

  /** Throws when there is no such member. */
  member(index: number): ClusterMember {
    const member = this.#members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  get scheme(): 'http' | 'https' {
    return this.#options.scheme ?? 'http';
  }

  get endpoints(): string {
    return this.#members.map((member) => member.endpoint).join(',');
  }

  /** The value of --initial-cluster. */
  get initialCluster(): string {
    return this.#members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  }

  /** A member to be added: it has ports and a folder, and doesn't run. */
  async addPlace(): Promise<ClusterMember> {
    return await this.#place();
  }

  /** Forgets a member, which must not run any more. */
  drop(member: ClusterMember): void {
    this.#members = this.#members.filter((other) => other !== member);
  }

  /** The member that leads, once those that run agree on it. */
  async leader(): Promise<ClusterMember> {
    return await eventually('a leader that all running members know', async () => {
      const running = this.#members.filter((member) => member.isRunning);
      const names = ['etcd_server_is_leader', 'etcd_server_has_leader'];
      const told = await Promise.all(running.map(({ url }) => readMetrics(url, names)));
      const leaders = running.filter((_, i) => told[i]?.[0] === 1);
      return leaders.length === 1 && told.every(([, knows]) => knows === 1)
        ? leaders[0]
        : undefined;
    });
  }

  /** Starts the process of a member. For `ClusterMember`. */
  spawn(member: ClusterMember, flags: readonly string[]): Promise<RunningProgram> {
    const { program = kvorumProgram(), bootstrapOf, env, lifetimeMs } = this.#options;
    const args = [
      ...program.args,
      `--name=${member.name}`,
      `--data-dir=${member.dataDir}`,
      `--listen-client-urls=${member.url}`,
      `--advertise-client-urls=${member.url}`,
      `--listen-peer-urls=${this.scheme}://127.0.0.1:${member.peerPort}`,
      `--initial-advertise-peer-urls=${member.peerUrl}`,
      ...(bootstrapOf?.(member) ?? [`--initial-cluster=${this.initialCluster}`]),
      ...(this.#options.flags ?? []),
      ...flags,
    ];
    return RunningProgram.start(program.file, {
      args,
      ...(env === undefined ? {} : { env }),
      ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#members.filter((member) => member.isRunning);
    await Promise.all(running.map((member) => member.process[Symbol.asyncDispose]()));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #place(): Promise<ClusterMember> {
    const index = this.#placed;
    this.#placed += 1;
    const [client = 0, peer = 0] = await freePorts(2);
    const advertised = this.#options.peerPortOf?.(peer, index) ?? peer;
    const dataDir = join(this.folder, `m${index + 1}`);
    const member = new ClusterMember(this, index, { client, peer, advertised }, dataDir);
    this.#members.push(member);
    return member;
  }
}
