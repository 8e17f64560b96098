import { type ExitStatus, RunningProgram } from './process.ts';
import type { RealEtcd } from './real-etcd.ts';

/** What one run of a command did. */
export interface CommandResult {
  readonly status: ExitStatus;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** etcdctl, or what stands in its place, aimed at one member. */
export interface Ctl {
  /** Starts a command that runs until it is stopped, such as `watch`. */
  start(...args: readonly string[]): Promise<RunningProgram>;
  /** Runs a command to its end. */
  run(...args: readonly string[]): Promise<CommandResult>;
  /** Runs a command that reads its standard input. */
  runWithInput(input: string, ...args: readonly string[]): Promise<CommandResult>;
}

/** The real etcdctl. */
export class Etcdctl implements Ctl {
  readonly #program: string;
  readonly #endpoint: string;

  constructor(real: RealEtcd, endpoint: string) {
    this.#program = real.etcdctl;
    this.#endpoint = endpoint;
  }

  start(...args: readonly string[]): Promise<RunningProgram> {
    const env = { ETCDCTL_ENDPOINTS: this.#endpoint };
    return RunningProgram.start(this.#program, { args, env, lifetimeMs: 60_000 });
  }

  run(...args: readonly string[]): Promise<CommandResult> {
    return this.runWithInput('', ...args);
  }

  async runWithInput(input: string, ...args: readonly string[]): Promise<CommandResult> {
    await using command = await this.start(...args);
    command.write(input);
    command.endInput();
    const status = await command.exited;
    return { status, stdout: command.stdout.lines, stderr: command.stderr.lines };
  }
}
