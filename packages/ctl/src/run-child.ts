import { spawn } from 'node:child_process';
import type { Host } from './host.ts';
import { goQuote } from './output/go-quote.ts';

/** How a program ended. */
export interface ChildEnd {
  readonly hasStarted: boolean;
  /** 1 when it was never started, 255 when a signal ended it. */
  readonly exitCode: number;
  /** In Go's words; undefined when all went well. */
  readonly failure: string | undefined;
}

/** Runs a program to its end, without input and with our outputs as its own. Never rejects. */
export function runChild(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  host: Host,
): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const { stdout, stderr } = host;
    const stdio = ['ignore', stdout.descriptor ?? 'pipe', stderr.descriptor ?? 'pipe'] as const;
    const child = spawn(program, args, { env, stdio: [...stdio] });
    child.stdout?.on('data', (data: Buffer) => stdout.write(data));
    child.stderr?.on('data', (data: Buffer) => stderr.write(data));
    child.once('error', (error) => {
      resolve({ hasStarted: false, exitCode: 1, failure: startFailure(program, error) });
    });
    child.once('close', (code, signal) => {
      const end = (exitCode: number, failure?: string) =>
        resolve({ hasStarted: true, exitCode, failure });
      if (signal !== null) end(255, `signal: ${nameOf(signal)}`);
      else if (code === 0) end(0);
      else end(code ?? 1, `exit status ${code}`);
    });
  });
}

/** Go's names of the signals that end a program. */
const signalNames: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
};

function nameOf(signal: NodeJS.Signals): string {
  return signalNames[signal] ?? signal;
}

function startFailure(program: string, error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return error.message;
  if (program.includes('/')) return `fork/exec ${program}: no such file or directory`;
  return `exec: ${goQuote(program)}: executable file not found in $PATH`;
}
