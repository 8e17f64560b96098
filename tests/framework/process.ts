import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { DEADLINE_MS, within } from './eventually.ts';
import { OutputLog } from './output-log.ts';

/** How a program ended: one of the two is null. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly args?: readonly string[];
  /** The whole environment but for PATH and HOME; nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** Killed after so long, whatever happens to the test. Default 5 minutes, in milliseconds. */
  readonly lifetimeMs?: number;
}

const DEFAULT_LIFETIME_MS = 300_000;

const running = new Set<ChildProcessWithoutNullStreams>();
// A worker that ends early takes its programs along.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program started by a test: its life is bounded and what it writes is kept. */
export class RunningProgram {
  readonly file: string;
  readonly pid: number;
  readonly stdout: OutputLog;
  readonly stderr: OutputLog;
  /** Resolves, never rejects, when the program has ended and all it wrote has been read. */
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcessWithoutNullStreams;

  /** Starts a program. Resolves when the system has created the process; rejects when it can't. */
  static start(file: string, options: ProgramOptions = {}): Promise<RunningProgram> {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(file, options.args ?? [], { env: { PATH, HOME, ...options.env } });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(new RunningProgram(file, child, options)));
    });
  }

  private constructor(
    file: string,
    child: ChildProcessWithoutNullStreams,
    { lifetimeMs = DEFAULT_LIFETIME_MS }: ProgramOptions,
  ) {
    this.file = file;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.stdout = new OutputLog(child.stdout);
    this.stderr = new OutputLog(child.stderr);
    // Writing to a program that has ended is the test's business, not an error of the worker.
    child.stdin.on('error', () => {});
    running.add(child);
    const lifetime = setTimeout(() => child.kill('SIGKILL'), lifetimeMs);
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        clearTimeout(lifetime);
        running.delete(child);
        resolve({ code, signal });
      });
    });
  }

  get hasEnded(): boolean {
    return !running.has(this.#child);
  }

  /** Writes to the program's input; it stays open. */
  write(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks the program to end and waits until it has; rejects when it does not at all. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = DEADLINE_MS): Promise<ExitStatus> {
    this.signal(signal);
    try {
      return await within(`the end of ${this.file} after ${signal}`, this.exited, deadlineMs);
    } catch (error) {
      this.signal('SIGKILL');
      await this.exited;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) await this.stop('SIGKILL');
  }
}
