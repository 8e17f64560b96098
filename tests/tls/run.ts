import { RunningProgram } from '../framework/process.ts';

/** Runs a program to its end: exit code, and all it wrote. */
export async function run(
  file: string,
  args: readonly string[],
): Promise<[exitCode: number | null, output: string]> {
  await using program = await RunningProgram.start(file, { args, lifetimeMs: 30_000 });
  program.endInput();
  const { code } = await program.exited;
  return [code, `${program.stdout.text}${program.stderr.text}`];
}
