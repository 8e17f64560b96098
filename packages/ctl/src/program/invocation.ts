import type { CallOptions, RpcClient } from '@kvorum/client';
import type { FlagDefinitions, FlagValues } from '../flags/flag.ts';
import type { GlobalFlags } from '../flags/global-flags.ts';
import type { Host } from '../host.ts';
import type { Rendering } from '../output/rendering.ts';

/** One call of a command: what was asked, and all it needs to answer. */
export interface Invocation<F extends FlagDefinitions = FlagDefinitions> {
  readonly host: Host;
  /** What is no flag. */
  readonly args: readonly string[];
  /** How many of the arguments stood before `--`; undefined without it. */
  readonly argsBeforeDash: number | undefined;
  readonly flags: FlagValues<F>;
  /** Whether the command line has this flag. */
  isGiven(flagName: keyof F | keyof GlobalFlags): boolean;
  /**
   * The global flags, with what the environment says. The first call warns of variables that mean nothing, and throws
   * `ExitError` for an output format that does not exist.
   */
  globals(variablesOfOthers?: readonly string[]): GlobalFlags;
  /** Those of --endpoints, or what DNS says with --discovery-srv. Rejects with `ExitError`. */
  endpoints(): Promise<readonly string[]>;
  /**
   * The client that the global flags describe, the same one each time; closed when the command has ended. Rejects
   * with `ExitError` when it cannot be made or is not let in.
   */
  client(): Promise<RpcClient>;
  /** Another client with the same flags but these endpoints; closed with the command as well. */
  clientOf(endpoints: readonly string[]): Promise<RpcClient>;
  /** For short calls: bounded by --command-timeout. */
  callOptions(): CallOptions;
  /** Writes an answer in the format that --write-out names. Rejects with `ExitError` when it has no such form. */
  print(rendering: Rendering): Promise<void>;
  /** Writes lines to standard output. */
  writeLine(line: string): void;
  /** Writes lines to standard error. */
  warn(line: string): void;
}
