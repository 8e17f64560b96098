import type { FlagDefinitions } from '../flags/flag.ts';
import type { Host } from '../host.ts';
import type { Invocation } from './invocation.ts';

/** What a command is: how it is called, its flags, and what it does. */
export interface Command<F extends FlagDefinitions = FlagDefinitions> {
  /** Name and arguments, as help shows them: `get [options] <key> [range_end]`. */
  readonly use: string;
  /** Help beyond the summary. */
  readonly long?: string;
  readonly flags: F;
  /** Resolves when it is done; rejects with `ExitError` or `ClientError`. A number is the exit code. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a command without a word has succeeded.
  run(invocation: Invocation<F>): Promise<number | void>;
}

/** Keeps the types of the flags together with the command that has them. */
export function defineCommand<F extends FlagDefinitions>(command: Command<F>): Command {
  // The program gives a command the values of its own flags, so that a table can hold commands of all kinds.
  return command as unknown as Command;
}

/** A row of the command table: cheap, so that the table costs no time; the command is loaded when it is called. */
export interface CommandEntry {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Heading in the help of the program. */
  readonly group?: string;
  /** A command that etcdctl doesn't have: it makes no beginning of a name ambiguous that isn't so in etcdctl. */
  readonly isExtension?: boolean;
  /** For a group of commands: what help shows as its use, when it is more than its name. */
  readonly use?: string;
  /** Brings the command. Undefined: the name is a heading of others. */
  readonly load?: () => Promise<Command>;
  readonly subcommands?: readonly CommandEntry[];
}

/** The first argument of a shell that asks what could come next; the words so far follow, the last one unfinished. */
export const completeCommand = '__complete';

/** A program made of commands: kvctl or kvutl. */
export interface Program {
  /** The name that texts call it by. */
  readonly name: string;
  readonly summary: string;
  readonly globalFlags: FlagDefinitions;
  /** Before the names of its variables, such as `ETCDCTL`. */
  readonly variablePrefix: string;
  readonly groups: readonly { readonly id: string; readonly title: string }[];
  readonly commands: readonly CommandEntry[];
  /** Whether its arguments are keys, members and so on of a cluster that can be asked when a shell completes a word. */
  readonly hasLiveCandidates?: boolean;
  /** Variables with the prefix that the program itself reads. */
  readonly ownVariables?: readonly string[];
  /** Loads what this environment asks for in place of all the commands; undefined when it asks for nothing else. */
  otherModeOf?(
    env: Readonly<Record<string, string | undefined>>,
  ): (() => Promise<(host: Host) => Promise<number>>) | undefined;
  /** Under each help text. */
  readonly helpFooter: string;
}
