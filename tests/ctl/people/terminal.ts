import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bundledKvctl } from '../../framework/kvctl-bundle.ts';
import { systemProgram } from '../../framework/real-etcd.ts';

/** Whether python3, which knows of pseudo-terminals, is there; where it is not, the run says what was left out. */
export const hasPython = systemProgram('python3') !== undefined;

/** What a person does at a terminal: waits until a pattern of Python's shows up, or types. */
export type TerminalStep = { readonly expect: string } | { readonly send: string };

/** kvctl in a process of its own, on a pseudo-terminal. */
export interface KvctlTerminal {
  /** Resolves with all that was shown, and the exit code; 90 when a pattern did not come. */
  run(
    args: readonly string[],
    steps: readonly TerminalStep[],
    env: Readonly<Record<string, string>>,
  ): Promise<{ readonly shown: string; readonly exitCode: number | null }>;
}

/** Bundles kvctl before the tests of a file, so that it starts as fast as for users. */
export function kvctlTerminal(): KvctlTerminal {
  const bundle = bundledKvctl();
  return {
    run: (args, steps, env) => {
      const driver = join(import.meta.dirname, 'terminal.py');
      const command = [process.execPath, bundle(), ...args];
      const child = spawn('python3', [driver, JSON.stringify(steps), ...command], {
        env: { PATH: process.env.PATH ?? '', TERM: 'xterm', ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const pieces: Buffer[] = [];
      child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
      return new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (exitCode) => {
          resolve({ shown: Buffer.concat(pieces).toString(), exitCode });
        });
      });
    },
  };
}
