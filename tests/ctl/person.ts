import { join } from 'node:path';
import { DEADLINE_MS, eventually } from '../framework/eventually.ts';
import type { TestMember } from '../framework/member.ts';
import { type ExitStatus, RunningProgram } from '../framework/process.ts';

/** How a person reaches a program: at a terminal, or as a script does. */
export type Means = 'a terminal' | 'pipes';

/** Time for a program to start on a busy machine included. */
const SHOWN_DEADLINE_MS = 3 * DEADLINE_MS;
const END_OF_INPUT = '\x04';
const CTRL_C = '\x03';

const driver = join(import.meta.dirname, '../framework/on-terminal.py');

/** Somebody who uses kvctl, or etcdctl, and keeps a record of all that was shown. */
export class Person implements AsyncDisposable {
  readonly transcript: string[] = [];
  readonly means: Means;
  readonly #program: readonly string[];
  readonly #python: string;
  readonly #member: TestMember;
  readonly #running = new Set<RunningProgram>();

  constructor(program: readonly string[], means: Means, python: string, member: TestMember) {
    this.#program = program;
    this.means = means;
    this.#python = python;
    this.#member = member;
  }

  /** Starts a command that is typed to, or interrupted. */
  async start(...args: readonly string[]): Promise<RunningProgram> {
    const program = await this.#spawn(args, this.means);
    this.#running.add(program);
    return program;
  }

  /** Runs a command to its end. Resolves with its output. */
  async run(...args: readonly string[]): Promise<string> {
    await using program = await this.#spawn(args, 'pipes');
    program.endInput();
    this.#note(args.join(' '), program, await program.exited);
    return program.stdout.text;
  }

  #spawn(args: readonly string[], means: Means): Promise<RunningProgram> {
    const words = [...this.#program, ...args];
    const [file = '', ...rest] = means === 'a terminal' ? [this.#python, driver, ...words] : words;
    const env = { ETCDCTL_ENDPOINTS: this.#member.endpoint, TERM: 'xterm' };
    return RunningProgram.start(file, { args: rest, env, lifetimeMs: 2 * SHOWN_DEADLINE_MS });
  }

  /** A name of a key that nobody at the same server uses by other means. */
  own(name: string): string {
    return this.means === 'a terminal' ? `${name}-typed` : `${name}-piped`;
  }

  /** Begins a line and leaves it at that. */
  async begins(program: RunningProgram, text: string): Promise<void> {
    program.write(text);
    // Ctrl-C takes away what the terminal has not shown yet.
    if (this.means === 'a terminal') await this.reads(program, new RegExp(text));
  }

  /** Waits until a program has shown the pattern, and the rest of its line. */
  async sees(program: RunningProgram, { source }: RegExp): Promise<void> {
    await this.reads(program, new RegExp(`${source}.*\\r?\\n`));
  }

  /** Waits until a program has shown the pattern, anywhere. */
  async reads(program: RunningProgram, pattern: RegExp): Promise<void> {
    const look = () => pattern.test(shownBy(program));
    await eventually(`${pattern} shown`, look, SHOWN_DEADLINE_MS).catch((error: unknown) => {
      throw new Error(`not shown: ${pattern}, but:\n${shownBy(program)}`, { cause: error });
    });
  }

  /** Waits until the server has exactly so many watchers. */
  async watchers(count: number): Promise<void> {
    const look = async () => {
      return (await this.#member.metric('etcd_debugging_mvcc_watcher_total')) === count;
    };
    await eventually(`${count} watchers`, look, SHOWN_DEADLINE_MS);
  }

  /** Ctrl-C, or a signal to the program alone. */
  async interrupts(program: RunningProgram): Promise<void> {
    if (this.means === 'a terminal') program.write(CTRL_C);
    else program.signal('SIGINT');
    await this.leaves(program);
  }

  /** Ctrl-D, or the end of a pipe. */
  async endsInput(program: RunningProgram): Promise<void> {
    if (this.means === 'a terminal') program.write(END_OF_INPUT);
    else program.endInput();
    await this.leaves(program);
  }

  /** Waits until a program has ended. */
  async leaves(program: RunningProgram): Promise<void> {
    this.#note('', program, await program.exited);
    this.#running.delete(program);
  }

  #note(command: string, program: RunningProgram, { code, signal }: ExitStatus): void {
    this.transcript.push(`$ ${command}`);
    this.transcript.push(...masked(program.stdout.text));
    this.transcript.push(...masked(program.stderr.text).map((line) => `stderr: ${line}`));
    this.transcript.push(`end: ${code ?? signal}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#running) await program[Symbol.asyncDispose]();
  }
}

function shownBy({ stdout, stderr }: RunningProgram): string {
  return `${stdout.text}\n${stderr.text}`;
}

/**
 * Lines without what is another one each time: lease ids, and what etcdctl's watch says of a command that Ctrl-C has
 * ended as well, when it comes to that before the same Ctrl-C ends it.
 */
function masked(text: string): string[] {
  return text
    .replace(/\b[0-9a-f]{16}\b|(?<=\/)[0-9a-f]{9,16}\b/g, 'LEASE')
    .replace(/(?<=\^C)command \[.*\] error \(signal: interrupt\)\r?\n/, '')
    .split('\n');
}
