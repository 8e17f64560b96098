import { RunningProgram } from '../../framework/process.ts';

/** Nothing here takes a tenth of it, on a busy machine either. */
const TOOL_LIFETIME_MS = 30_000;

/** What a program of somebody else's said. */
export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and resolves with what it wrote; throws all of that when it fails. */
export async function runTool(file: string, args: readonly string[]): Promise<ToolOutput> {
  await using program = await RunningProgram.start(file, { args, lifetimeMs: TOOL_LIFETIME_MS });
  program.endInput();
  const { code, signal } = await program.exited;
  const { stdout, stderr } = program;
  if (code !== 0) {
    const shown = `${stdout.text.slice(-3000)}\n${stderr.text.slice(-3000)}`;
    throw new Error(`${file} ${args.join(' ')}: ${code ?? signal}\n${shown}`);
  }
  return { stdout: stdout.text, stderr: stderr.text };
}
