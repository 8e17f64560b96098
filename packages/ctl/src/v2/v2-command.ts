import type { Host } from '../host.ts';
import type { AuthApi } from './auth-api.ts';
import type { ClusterApi } from './cluster-api.ts';
import type { KeysApi } from './keys-api.ts';
import type { V2Flag, V2Values } from './v2-flags.ts';

/** A command of etcdctl's v2 mode, or a group of them. */
export interface V2Command {
  readonly name: string;
  /** One line; cut at the line's end in the list of commands. */
  readonly usage: string;
  /** What help shows after the options; a space where there are no arguments. */
  readonly argsUsage: string;
  /** What help shows instead of a line made of the name and the arguments. */
  readonly usageText?: string;
  readonly description?: string;
  readonly flags?: readonly V2Flag<unknown>[];
  readonly subcommands?: readonly V2Command[];
  /** Loads what it does. It resolves with the exit code, 0 for nothing; rejects with `ExitError`. */
  readonly load?: () => Promise<(call: V2Call) => Promise<number | undefined>>;
}

/** One call of a command. */
export interface V2Call {
  readonly host: Host;
  readonly args: readonly string[];
  readonly flags: V2Values;
  readonly globals: V2Values;
  /** Fires after --total-timeout. */
  readonly deadline: AbortSignal;
  /** The keys of the cluster. Rejects with `ExitError` when the options don't lead to it. */
  keys(): Promise<KeysApi>;
  /** Its members, with the endpoints as they were given. */
  cluster(): Promise<ClusterApi>;
  /** The same with what the cluster says of its endpoints, unless --no-sync says otherwise. */
  syncedCluster(): Promise<ClusterApi>;
  /** Its users and roles. */
  auth(): Promise<AuthApi>;
  writeLine(line: string): void;
  warn(line: string): void;
}
