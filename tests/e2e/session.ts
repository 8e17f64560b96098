import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProgramResult } from '../ctl/in-process.ts';
import { TestCluster } from '../framework/cluster.ts';
import { type CommandResult, type Ctl, Etcdctl } from '../framework/etcdctl.ts';
import { eventually } from '../framework/eventually.ts';
import { type MemberOptions, startBoth, startEtcd, type TestMember } from '../framework/member.ts';
import { readMetrics } from '../framework/metric.ts';
import type { ExitStatus, RunningProgram } from '../framework/process.ts';
import type { RealEtcd } from '../framework/real-etcd.ts';
import { Kvctl } from './kvctl.ts';
import { withoutDifferences } from './kvctl-differences.ts';

const PROGRESS = ['etcd_server_proposals_applied_total', 'etcd_server_proposals_committed_total'];

/** What a user types, one command after the other. */
export type Script = (session: Session) => Promise<void>;

/** What two servers answered to the same script, line by line. */
export interface Transcripts {
  readonly etcd: readonly string[];
  readonly kvorum: readonly string[];
}

/** Where a session plays: one member, or several of one cluster that take turns. */
export interface Stage {
  readonly members: readonly { readonly endpoint: string; readonly url: string }[];
  /** What runs there, for messages. */
  readonly name: string;
  /** What the user types into, for one of the members. */
  readonly ctl: (endpoint: string) => Ctl;
  /** Takes away what may differ between two programs. */
  readonly normalize: (command: string, result: ProgramResult) => ProgramResult;
}

/**
 * Plays a script against a fresh cluster of three of Kvorum's members, each command at another one, and against one
 * member of the real etcd. Ids and terms are masked.
 */
export async function playOnThree(real: RealEtcd, script: Script): Promise<Transcripts> {
  await using etcd = await startEtcd(real);
  await using kvorum = await TestCluster.start();
  const stage = stageOf(real, etcd);
  const stages = [stage, { ...stage, members: kvorum.members, name: 'a cluster of Kvorum' }];
  const [theirs, ours] = await Promise.all(
    stages.map(async (stage) => (await record(stage, script)).map(maskIds)),
  );
  return { etcd: theirs ?? [], kvorum: ours ?? [] };
}

function stageOf(real: RealEtcd, member: TestMember): Stage {
  return {
    members: [member],
    name: member.process.file,
    ctl: (endpoint) => new Etcdctl(real, endpoint),
    normalize: (_command, result) => result,
  };
}

/** Ids and terms, in the spellings of etcdctl's formats. */
function maskIds(line: string): string {
  return line
    .replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":ID')
    .replace(/"(ClusterID|MemberID|RaftTerm)" : \d+/g, '"$1" : ID');
}

/** Plays a script with the real etcdctl against a fresh member of each server. */
export async function play(
  real: RealEtcd,
  script: Script,
  options: MemberOptions = {},
): Promise<Transcripts> {
  await using both = await startBoth(real, options);
  const { etcd, kvorum } = both;
  const stages = [etcd, kvorum].map((member) => stageOf(real, member));
  const [theirs, ours] = await Promise.all(stages.map((one) => record(one, script)));
  return { etcd: theirs ?? [], kvorum: ours ?? [] };
}

/** Plays a script with the real etcdctl against the real etcd, and with kvctl against Kvorum. */
export async function playWithKvctl(
  real: RealEtcd,
  script: Script,
  bundle: string,
): Promise<Transcripts> {
  await using both = await startBoth(real);
  const normalize = withoutDifferences;
  const ctl = (endpoint: string) => new Kvctl(bundle, endpoint);
  const [theirs, ours] = await Promise.all([
    record({ ...stageOf(real, both.etcd), normalize }, script),
    record({ ...stageOf(real, both.kvorum), normalize, ctl }, script),
  ]);
  return { etcd: theirs, kvorum: ours };
}

async function record(stage: Stage, script: Script): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kvorum-session-'));
  const session = new Session(stage, folder);
  try {
    await script(session);
    return session.transcript;
  } catch (error) {
    const read = session.transcript.join('\n');
    throw new Error(`${stage.name} did not play along after:\n${read}`, { cause: error });
  } finally {
    await session.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * One user at one member, or at each of several in turn. All that is said lands in the transcript, with what may differ
 * masked.
 */
export class Session {
  readonly transcript: string[] = [];
  /** For files of this session; masked in the transcript. */
  readonly folder: string;
  readonly #stage: Stage;
  readonly #ctls: readonly Ctl[];
  #turn = 0;
  readonly #leases: string[] = [];
  /** Programs that run, and their command lines. */
  readonly #running = new Map<RunningProgram, readonly string[]>();

  constructor(stage: Stage, folder: string) {
    this.#ctls = stage.members.map(({ endpoint }) => stage.ctl(endpoint));
    this.#stage = stage;
    this.folder = folder;
  }

  /** Runs a command, notes it with what it printed, and returns its output unmasked. */
  async run(...args: readonly string[]): Promise<readonly string[]> {
    return this.runWithInput('', ...args);
  }

  async runWithInput(input: string, ...args: readonly string[]): Promise<readonly string[]> {
    const result = await (await this.#next()).runWithInput(input, ...args);
    this.#noteCommand(args);
    this.#noteResult(args, result);
    return result.stdout;
  }

  /** Runs a command whose output needs more than the usual masks: it must succeed, and nothing of it is noted. */
  async raw(...args: readonly string[]): Promise<readonly string[]> {
    const result = await (await this.#next()).run(...args);
    if (result.status.code !== 0) throw new Error(`${args.join(' ')}: ${result.stderr.join('\n')}`);
    this.#noteCommand(args);
    return this.#normalized(args, result).stdout;
  }

  /** Runs each command line, split at spaces. */
  async runAll(...commands: readonly string[]): Promise<void> {
    for (const command of commands) await this.run(...command.split(' '));
  }

  /** Grants a lease and returns its id in hex; the transcript shows a name in its place. */
  async grant(ttlSeconds: number): Promise<string> {
    const result = await (await this.#next()).run('lease', 'grant', `${ttlSeconds}`);
    const id = /^lease ([0-9a-f]{16}) granted/.exec(result.stdout[0] ?? '')?.[1];
    if (id === undefined) throw new Error(`no lease: ${result.stderr.join('\n')}`);
    this.#leases.push(id);
    this.#noteCommand(['lease', 'grant', `${ttlSeconds}`]);
    this.note(result.stdout);
    return id;
  }

  /** Starts a command that runs until `finish`, such as `watch`. */
  async start(...args: readonly string[]): Promise<RunningProgram> {
    const program = await (await this.#next()).start(...args);
    this.#running.set(program, args);
    this.#noteCommand(args);
    return program;
  }

  /** Waits until the members have exactly so many watchers: then those of this session are in place. */
  async watchers(count: number): Promise<void> {
    await eventually(`${count} watchers`, async () => {
      const counts = await this.#metrics(['etcd_debugging_mvcc_watcher_total']);
      return counts.reduce((sum, one) => sum + one, 0) === count;
    });
  }

  /** Whose turn it is. What a member answers by itself is the same everywhere once all have applied the same. */
  async #next(): Promise<Etcdctl> {
    if (this.#ctls.length > 1) {
      await eventually('all members have applied the same', async () => {
        return new Set(await this.#metrics(PROGRESS)).size === 1;
      });
    }
    const ctl = this.#ctls[this.#turn % this.#ctls.length] as Etcdctl;
    this.#turn += 1;
    return ctl;
  }

  /** These metrics of all members. */
  async #metrics(names: readonly string[]): Promise<number[]> {
    const told = this.#stage.members.map(({ url }) => readMetrics(url, names));
    return (await Promise.all(told)).flat().map((value) => value ?? 0);
  }

  /** Interrupts a command once it has printed a line and so many below it, and notes its output. */
  async finish(program: RunningProgram, line: RegExp, linesBelow = 0): Promise<void> {
    await program.stdout.lineBelow(line, linesBelow);
    const status = await program.stop('SIGINT');
    this.#noteEnd(program, status, program.stdout.lines);
  }

  /** Waits for a command that ends by itself, and notes its output. */
  async ended(program: RunningProgram): Promise<void> {
    const status = await program.exited;
    this.#noteEnd(program, status, program.stdout.lines);
  }

  /** The same for one that repeats itself by the clock: a line counts once, however often it came in a row. */
  async endedRepeating(program: RunningProgram): Promise<void> {
    const status = await program.exited;
    const { lines } = program.stdout;
    this.#noteEnd(
      program,
      status,
      lines.filter((line, i) => line !== lines[i - 1]),
    );
  }

  #noteEnd(program: RunningProgram, status: ExitStatus, stdout: readonly string[]): void {
    const args = this.#running.get(program) ?? [];
    this.#running.delete(program);
    this.#noteResult(args, { status, stdout, stderr: program.stderr.lines });
  }

  #noteResult(args: readonly string[], result: CommandResult): void {
    const { status, stdout, stderr } = this.#normalized(args, result);
    this.note(stdout);
    this.#noteErrors(stderr);
    this.#noteExit(status);
  }

  #normalized(args: readonly string[], { status, stdout, stderr }: CommandResult): CommandResult {
    const texts = { exitCode: status.code ?? 0, stdout: textOf(stdout), stderr: textOf(stderr) };
    const normal = this.#stage.normalize(args.join(' '), texts);
    return { status, stdout: linesOf(normal.stdout), stderr: linesOf(normal.stderr) };
  }

  note(lines: readonly string[]): void {
    this.transcript.push(...lines.map((line) => this.#mask(line)));
  }

  /** Ends what still runs. */
  async end(): Promise<void> {
    for (const program of this.#running.keys()) await program[Symbol.asyncDispose]();
  }

  #noteCommand(args: readonly string[]): void {
    const words = args.map((arg) => (/^[\w./=:-]+$/.test(arg) ? arg : JSON.stringify(arg)));
    this.note([`$ etcdctl ${words.join(' ')}`]);
  }

  /** Of a line that etcdctl's logger wrote only the text matters: the rest is times and addresses. */
  #noteErrors(lines: readonly string[]): void {
    for (const line of lines) {
      if (!line.startsWith('{')) {
        this.note([`stderr: ${line}`]);
        continue;
      }
      const entry: { msg?: string; error?: string } = JSON.parse(line);
      this.note([`log: ${entry.msg} ${entry.error ?? ''}`.trimEnd()]);
    }
  }

  #noteExit({ code, signal }: ExitStatus): void {
    if (code !== 0) this.note([`exit ${code ?? signal}`]);
  }

  #mask(line: string): string {
    let masked = line.replaceAll(this.folder, 'FOLDER');
    for (const { endpoint } of this.#stage.members) {
      masked = masked.replaceAll(endpoint, 'ENDPOINT');
    }
    this.#leases.forEach((id, index) => {
      const spellings = [id, id.replace(/^0+/, ''), BigInt(`0x${id}`).toString()];
      for (const spelling of spellings) masked = masked.replaceAll(spelling, `LEASE${index + 1}`);
    });
    return masked
      .replace(/took = \S+/, 'took = TIME')
      .replace(/took (\d\S*s)\b/, 'took TIME')
      .replace(/"took":"[^"]+"/g, '"took":"TIME"')
      .replace(/\/[0-9a-f]{12,16}\b/, '/LEASE')
      .replace(/remaining\(\d+s\)/, 'remaining(SECONDS)')
      .replace(/(?<=attached keys\(\[)[^\]]+/, inOrder);
  }
}

/** etcd names a lease's keys as they come out of a map of Go's, which is a little different each time. */
function inOrder(words: string): string {
  return words.split(' ').sort().join(' ');
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
