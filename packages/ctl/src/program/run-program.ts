import { ExitError, exitCodes } from '../exit-error.ts';
import type { FlagDefinitions } from '../flags/flag.ts';
import { FlagError, HelpRequest, type ParsedArguments, parseFlags } from '../flags/parse-flags.ts';
import type { Host } from '../host.ts';
import { type Command, type CommandEntry, completeCommand, type Program } from './command.ts';
import { findCommand } from './find-command.ts';

/** Runs what the arguments call. Resolves with the exit code; never rejects but for bugs. */
export async function runProgram(program: Program, host: Host): Promise<number> {
  const loadOtherMode = program.otherModeOf?.(host.env);
  if (loadOtherMode !== undefined) return await (await loadOtherMode())(host);
  if (host.args[0] === completeCommand) return await showCandidates(program, host);
  const { path, args, unknown } = findCommand(program, spelledOut(host.args));
  const entry = path.at(-1);
  if (entry === undefined) return await runRoot(program, host, args, unknown);
  if (entry.load === undefined) return await showGroup(program, host, path);
  const command = await entry.load();
  let parsed: ParsedArguments;
  try {
    parsed = parseFlags(args, { ...program.globalFlags, ...command.flags });
  } catch (error) {
    if (error instanceof HelpRequest) return await showHelp(program, host, path, command);
    if (!(error instanceof FlagError)) throw error;
    const { commandUsage } = await import('./help.ts');
    host.stderr.write(`Error: ${error.message}\n${commandUsage(program, path, command)}\n`);
    return exitCodes.error;
  }
  return await runCommand(program, host, command, parsed);
}

/** `help get` is `get --help`. */
function spelledOut(args: readonly string[]): readonly string[] {
  const [first, ...others] = args;
  return first === 'help' ? [...others, '--help'] : args;
}

/** What shells ask of a program: one candidate a line, its meaning behind a tab. */
async function showCandidates(program: Program, host: Host): Promise<number> {
  const { candidatesFor } = await import('./candidates.ts');
  const candidates = await candidatesFor(program, host, host.args.slice(1));
  for (const { word, meaning } of candidates) host.stdout.write(`${word}\t${meaning}\n`);
  return exitCodes.ok;
}

async function runCommand(
  program: Program,
  host: Host,
  command: Command<FlagDefinitions>,
  parsed: ParsedArguments,
): Promise<number> {
  const { RunningCommand } = await import('./running-command.ts');
  using running = new RunningCommand(host, program, command, parsed);
  try {
    return (await command.run(running)) ?? exitCodes.ok;
  } catch (error) {
    if (error instanceof ExitError) {
      if (error.message !== '') host.stderr.write(`Error: ${error.message}\n`);
      return error.exitCode;
    }
    const { ClientError } = await import('@kvorum/client');
    if (!(error instanceof ClientError)) throw error;
    const { errorText } = await import('./error-text.ts');
    host.stderr.write(`Error: ${errorText(error)}\n`);
    return exitCodes.error;
  }
}

async function runRoot(
  program: Program,
  host: Host,
  args: readonly string[],
  unknown: string | undefined,
): Promise<number> {
  if (unknown !== undefined) return await refuse(program, host, unknown);
  const { programHelp, programUsage } = await import('./help.ts');
  try {
    parseFlags(args, program.globalFlags);
  } catch (error) {
    if (error instanceof FlagError) {
      host.stderr.write(`Error: ${error.message}\n${programUsage(program)}\n`);
      return exitCodes.error;
    }
    if (!(error instanceof HelpRequest)) throw error;
  }
  host.stdout.write(programHelp(program));
  return exitCodes.ok;
}

async function refuse(program: Program, host: Host, typed: string): Promise<number> {
  const { similarNames } = await import('./suggest.ts');
  const similar = similarNames(
    typed,
    program.commands.map(({ name }) => name),
  );
  const advice = similar.map((name) => `\t${name}\n`).join('');
  const hint = advice === '' ? '' : `\n\nDid you mean this?\n${advice}`;
  host.stderr.write(
    `Error: unknown command "${typed}" for "${program.name}"${hint}\nRun '${program.name} --help' for usage.\n`,
  );
  return exitCodes.error;
}

async function showGroup(
  program: Program,
  host: Host,
  path: readonly CommandEntry[],
): Promise<number> {
  const { groupHelp } = await import('./help.ts');
  host.stdout.write(groupHelp(program, path));
  return exitCodes.ok;
}

async function showHelp(
  program: Program,
  host: Host,
  path: readonly CommandEntry[],
  command: Command,
): Promise<number> {
  const { commandHelp } = await import('./help.ts');
  host.stdout.write(commandHelp(program, path, command));
  return exitCodes.ok;
}
