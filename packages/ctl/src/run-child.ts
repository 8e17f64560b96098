import { spawn } from 'node:child_process';
import type { Host } from './host.ts';
import { goQuote } from './output/go-quote.ts';

/** How a program ended. */
export interface ChildEnd {
  /** 1 when it was never started, or a signal ended it. */
  readonly exitCode: number;
  /** In Go's words; undefined when all went well. */
  readonly failure: string | undefined;
}

/** Runs a program to its end, without input and with its output on ours. Never rejects. */
export function runChild(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  host: Host,
): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (data: Buffer) => host.stdout.write(data));
    child.stderr.on('data', (data: Buffer) => host.stderr.write(data));
    child.once('error', (error) => resolve({ exitCode: 1, failure: startFailure(program, error) }));
    child.once('close', (code, signal) => {
      if (signal !== null) resolve({ exitCode: 1, failure: `signal: ${signal}` });
      else if (code === 0) resolve({ exitCode: 0, failure: undefined });
      else resolve({ exitCode: code ?? 1, failure: `exit status ${code}` });
    });
  });
}

function startFailure(program: string, error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return error.message;
  if (program.includes('/')) return `fork/exec ${program}: no such file or directory`;
  return `exec: ${goQuote(program)}: executable file not found in $PATH`;
}
