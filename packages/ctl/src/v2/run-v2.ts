import { ExitError } from '../exit-error.ts';
import type { Host } from '../host.ts';
import { etcdctlVersion } from '../version.ts';
import { AuthApi } from './auth-api.ts';
import { ClusterApi } from './cluster-api.ts';
import { KeysApi } from './keys-api.ts';
import type { V2Call, V2Command } from './v2-command.ts';
import { v2Commands } from './v2-commands.ts';
import { announce, openHttp, synchronize } from './v2-connection.ts';
import { PlainExit, v2ExitCodes } from './v2-errors.ts';
import { flagsFirst, helpFlag, parseV2Flags, V2FlagError, type V2Values } from './v2-flags.ts';
import { v2Globals } from './v2-globals.ts';
import { briefHelp, commandHelp, programHelp } from './v2-help.ts';
import type { V2Http } from './v2-http.ts';

const globalFlags = Object.values(v2Globals);

/** Runs what the arguments call, as etcdctl does with ETCDCTL_API=2. Resolves with the exit code. */
export async function runV2(host: Host): Promise<number> {
  const overview = () => programHelp(etcdctlVersion, v2Commands, globalFlags);
  let globals: V2Values;
  let rest: readonly string[];
  try {
    ({ values: globals, rest } = parseV2Flags(host.args, globalFlags));
  } catch (error) {
    return incorrectUsage(host, error, '.', overview());
  }
  if (globals.get(v2Globals.version)) {
    host.stdout.write(`etcdctl version: ${etcdctlVersion}\nAPI version: 2\n`);
    return v2ExitCodes.ok;
  }
  const [name, ...args] = rest;
  if (name === undefined || globals.get(v2Globals.help)) return show(host, overview());
  if (name === 'help' || name === 'h') {
    const [topic] = args;
    if (topic === undefined) return show(host, overview());
    const found = v2Commands.find((command) => command.name === topic);
    if (found === undefined) return noTopic(host, topic);
    return show(host, found.subcommands === undefined ? commandHelp([found]) : briefHelp(found));
  }
  return await runCommand(host, globals, [], v2Commands, name, args);
}

async function runCommand(
  host: Host,
  globals: V2Values,
  above: readonly V2Command[],
  commands: readonly V2Command[],
  name: string,
  args: readonly string[],
): Promise<number> {
  const command = commands.find((one) => one.name === name);
  if (command === undefined) return noTopic(host, name);
  const path = [...above, command];
  const { flags = [], subcommands, load } = command;
  let values: V2Values;
  let rest: readonly string[];
  try {
    const ordered = subcommands === undefined ? flagsFirst(args) : args;
    ({ values, rest } = parseV2Flags(ordered, [...flags, helpFlag]));
  } catch (error) {
    return incorrectUsage(host, error, ':', commandHelp(path));
  }
  if (values.get(helpFlag)) return show(host, commandHelp(path));
  if (subcommands !== undefined) {
    const [next, ...others] = rest;
    if (next === undefined || next === 'help' || next === 'h') return show(host, commandHelp(path));
    return await runCommand(host, globals, path, subcommands, next, others);
  }
  const run = await load?.();
  using call = new RunningV2Call(host, globals, values, rest);
  try {
    return (await run?.(call)) ?? v2ExitCodes.ok;
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    const prefix = error instanceof PlainExit ? '' : 'Error:  ';
    if (error.message !== '') host.stderr.write(`${prefix}${error.message}\n`);
    return error.exitCode;
  }
}

function show(host: Host, text: string): number {
  host.stdout.write(text);
  return v2ExitCodes.ok;
}

function noTopic(host: Host, name: string): number {
  host.stderr.write(`No help topic for '${name}'\n`);
  return v2ExitCodes.badAuth;
}

function incorrectUsage(host: Host, error: unknown, mark: string, help: string): number {
  if (!(error instanceof V2FlagError)) throw error;
  host.stdout.write(`Incorrect Usage${mark} ${error.message}\n\n${help}`);
  host.stderr.write(`${error.message}\n`);
  return v2ExitCodes.badArguments;
}

/** A command while it runs. */
class RunningV2Call implements V2Call, Disposable {
  readonly host: Host;
  readonly args: readonly string[];
  readonly flags: V2Values;
  readonly globals: V2Values;
  readonly #deadline = new AbortController();
  readonly #stopTimer: () => void;

  constructor(host: Host, globals: V2Values, flags: V2Values, args: readonly string[]) {
    this.host = host;
    this.globals = globals;
    this.flags = flags;
    this.args = args;
    const limitMs = globals.get(v2Globals.totalTimeout);
    this.#stopTimer = host.after(limitMs, () => this.#deadline.abort());
  }

  get deadline(): AbortSignal {
    return this.#deadline.signal;
  }

  async keys(): Promise<KeysApi> {
    return new KeysApi(await this.#synced());
  }

  async cluster(): Promise<ClusterApi> {
    const http = await openHttp(this.host, this.globals);
    announce(this.host, this.globals, http);
    return new ClusterApi(http);
  }

  async syncedCluster(): Promise<ClusterApi> {
    return new ClusterApi(await this.#synced());
  }

  async auth(): Promise<AuthApi> {
    return new AuthApi(await this.#synced());
  }

  writeLine(line: string): void {
    this.host.stdout.write(`${line}\n`);
  }

  warn(line: string): void {
    this.host.stderr.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    this.#stopTimer();
  }

  async #synced(): Promise<V2Http> {
    const http = await openHttp(this.host, this.globals);
    await synchronize(this.host, this.globals, http, this.deadline);
    return http;
  }
}
