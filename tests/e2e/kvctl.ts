import { runKvctl } from '../ctl/in-process.ts';
import type { CommandResult, Ctl } from '../framework/etcdctl.ts';
import { RunningProgram } from '../framework/process.ts';

/**
 * kvctl in the place of etcdctl. A command that runs until it is stopped has a process of its own; the others run in
 * this one, which is much quicker.
 */
export class Kvctl implements Ctl {
  readonly #bundle: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(bundle: string, endpoint: string) {
    this.#bundle = bundle;
    this.#env = { ETCDCTL_ENDPOINTS: endpoint };
  }

  start(...args: readonly string[]): Promise<RunningProgram> {
    const words = [this.#bundle, ...args];
    return RunningProgram.start(process.execPath, {
      args: words,
      env: this.#env,
      lifetimeMs: 60_000,
    });
  }

  run(...args: readonly string[]): Promise<CommandResult> {
    return this.runWithInput('', ...args);
  }

  async runWithInput(input: string, ...args: readonly string[]): Promise<CommandResult> {
    const { PATH = '' } = process.env;
    const { exitCode, stdout, stderr } = await runKvctl({
      args,
      input,
      env: { PATH, ...this.#env },
    });
    const status = { code: exitCode, signal: null };
    return { status, stdout: linesOf(stdout), stderr: linesOf(stderr) };
  }
}

function linesOf(latin1: string): string[] {
  return Buffer.from(latin1, 'latin1').toString().split('\n').slice(0, -1);
}
