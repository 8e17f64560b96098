import type { CallOptions, RpcClient } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../exit-error.ts';
import { readEnvironment } from '../flags/environment.ts';
import type { FlagDefinitions, FlagValues } from '../flags/flag.ts';
import type { GlobalFlags } from '../flags/global-flags.ts';
import type { ParsedArguments } from '../flags/parse-flags.ts';
import type { Host } from '../host.ts';
import { isOutputFormat, type Rendering } from '../output/rendering.ts';
import type { Command, Program } from './command.ts';
import { flagLines } from './debug-log.ts';
import type { Invocation } from './invocation.ts';

/** A command while it runs. */
export class RunningCommand implements Invocation, Disposable {
  readonly host: Host;
  readonly args: readonly string[];
  readonly argsBeforeDash: number | undefined;
  readonly flags: FlagValues<FlagDefinitions>;
  readonly #program: Program;
  readonly #given: ReadonlyMap<string, unknown>;
  readonly #clients: RpcClient[] = [];
  #globals: GlobalFlags | undefined = undefined;
  #endpoints: Promise<readonly string[]> | undefined = undefined;
  #client: Promise<RpcClient> | undefined = undefined;

  constructor(host: Host, program: Program, command: Command, parsed: ParsedArguments) {
    this.host = host;
    this.#program = program;
    this.#given = parsed.given;
    this.args = parsed.positional;
    this.argsBeforeDash = parsed.beforeDash;
    this.flags = valuesOf(command.flags, parsed.given, new Map());
  }

  isGiven(flagName: string): boolean {
    return this.#given.has(flagName);
  }

  globals(variablesOfOthers: readonly string[] = []): GlobalFlags {
    this.#globals ??= this.#readGlobals(variablesOfOthers);
    return this.#globals;
  }

  endpoints(): Promise<readonly string[]> {
    this.#endpoints ??= this.#findEndpoints();
    return this.#endpoints;
  }

  client(): Promise<RpcClient> {
    this.#client ??= this.endpoints().then((endpoints) => this.clientOf(endpoints));
    return this.#client;
  }

  async clientOf(endpoints: readonly string[]): Promise<RpcClient> {
    const globals = this.globals();
    const { openClient } = await import('./open-client.ts');
    const client = await openClient(this.host, globals, endpoints);
    this.#clients.push(client);
    return client;
  }

  callOptions(): CallOptions {
    return { timeoutMs: this.globals()['command-timeout'] };
  }

  async print(rendering: Rendering): Promise<void> {
    const { 'write-out': format, hex } = this.globals();
    const { print } = await import('../output/print.ts');
    if (isOutputFormat(format)) await print(this.host.stdout, format, hex, rendering);
  }

  writeLine(line: string): void {
    this.host.stdout.write(`${line}\n`);
  }

  warn(line: string): void {
    this.host.stderr.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close();
  }

  async #findEndpoints(): Promise<readonly string[]> {
    const globals = this.globals();
    const domain = globals['discovery-srv'];
    if (domain === '') return globals.endpoints;
    const { discoverEndpoints } = await import('./discover-endpoints.ts');
    const name = globals['discovery-srv-name'];
    const mayBeInsecure = globals['insecure-discovery'];
    return await discoverEndpoints(this.host, { domain, name, mayBeInsecure });
  }

  #readGlobals(variablesOfOthers: readonly string[]): GlobalFlags {
    const { globalFlags, variablePrefix, ownVariables = [] } = this.#program;
    const given = new Set(this.#given.keys());
    const reading = readEnvironment(variablePrefix, this.host.env, globalFlags, given, [
      ...ownVariables,
      ...variablesOfOthers,
    ]);
    for (const variable of reading.unrecognized) {
      this.#log('warn', 'unrecognized environment variable', variable);
    }
    if (reading.conflicting !== undefined) {
      const text =
        'conflicting environment variable is shadowed by corresponding command-line flag ' +
        '(either unset environment variable or disable flag))';
      this.#log('fatal', text, reading.conflicting);
      throw new ExitError(exitCodes.error, '');
    }
    const values = valuesOf(globalFlags, this.#given, reading.values) as unknown as GlobalFlags;
    for (const name of ['cert', 'key', 'cacert'] as const) {
      if (this.#given.has(name) && values[name] === '') {
        throw badArguments(`empty string is passed to --${name} option`);
      }
    }
    if (values.debug) for (const line of flagLines(values)) this.warn(line);
    if (!isOutputFormat(values['write-out'])) {
      throw new ExitError(exitCodes.badFeature, 'unsupported output format');
    }
    return values;
  }

  /** One line as etcdctl's logger writes it. */
  #log(level: string, msg: string, variable: string): void {
    const ts = new Date(this.host.wallClock()).toISOString();
    this.warn(JSON.stringify({ level, ts, msg, 'environment-variable': variable }));
  }
}

function valuesOf(
  definitions: FlagDefinitions,
  given: ReadonlyMap<string, unknown>,
  fallback: ReadonlyMap<string, unknown>,
): FlagValues<FlagDefinitions> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(definitions)) {
    if (given.has(name)) values[name] = given.get(name);
    else values[name] = fallback.has(name) ? fallback.get(name) : flag.defaultValue;
  }
  return values as FlagValues<FlagDefinitions>;
}
