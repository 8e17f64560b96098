import { ConfigError } from '../config/config-error.ts';
import type { Logger } from '../logging/logger.ts';
import { systemdNotifier } from '../node-systemd.ts';
import { bugFields, dieOnUncaughtErrors, drain, openLog, type ProcessLog } from '../process-log.ts';
import { exitCodeOf, exitCodeOfBug } from '../run-member.ts';
import { FlagSet, type SubcommandFlag } from './flag-set.ts';
import { usageOf } from './usage.ts';

/** What a subcommand runs until a signal ends it. */
export interface RunningService {
  /** Stops taking new work, lets what runs finish for a while, and frees its addresses. */
  stop(): Promise<void>;
}

/** A subcommand of etcd's with the one verb `start`, such as `gateway`. */
export interface Subcommand<O> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly flags: readonly SubcommandFlag[];
  /** Throws `ConfigError` for values that can't be. */
  read(flags: FlagSet): O;
  /** Rejects with `ConfigError`, or with an error whose message is for people. */
  start(options: O, logger: Logger): Promise<RunningService>;
}

/**
 * Runs a subcommand until a signal ends it, and resolves with the exit code: 0 after an orderly stop, 1 when it can't
 * run, as etcd's. A second signal ends the process at once. Installs handlers of the process, so it is called once.
 */
export async function runSubcommand<O>(
  command: Subcommand<O>,
  args: readonly string[],
): Promise<number> {
  const flags = new FlagSet(command.flags);
  const usage = usageOf(command.name, command.summary, command.flags);
  let options: O;
  try {
    flags.parse(args);
    if (flags.wantsHelp || args.length === 0) {
      process.stdout.write(usage);
      return 0;
    }
    if (flags.positional !== 'start') {
      const what = flags.positional === undefined ? 'start is missing' : `no ${flags.positional}`;
      throw new ConfigError('usage', `${command.name} knows start only: ${what}`);
    }
    options = command.read(flags);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`kvorum: ${error.message}\n${error.code === 'usage' ? usage : ''}`);
    return 1;
  }
  const isDebug = command.flags.some(({ name }) => name === 'debug') && flags.bool('debug');
  const log = await openLog({
    logLevel: isDebug ? 'debug' : 'info',
    logFormat: 'json',
    logOutputs: ['default'],
  });
  dieOnUncaughtErrors(log);
  log.logger.info('Running: ', { args: process.argv });
  try {
    return await serve(command, options, log);
  } finally {
    await drain(log.sink);
  }
}

async function serve<O>(command: Subcommand<O>, options: O, log: ProcessLog): Promise<number> {
  const { logger } = log;
  const signalled = untilSignal(log);
  let service: RunningService;
  try {
    const starting = command.start(options, logger.named(command.name));
    const first = await Promise.race([starting, signalled]);
    // The process ends, and with it whatever the start has opened so far.
    if (first === undefined) return 0;
    service = first;
  } catch (error) {
    const code = exitCodeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    const fields = code === exitCodeOfBug ? bugFields(error) : { error: message };
    logger.fatal(`failed to start ${command.name}`, fields);
    await drain(log.sink);
    process.stderr.write(`kvorum: ${message}\n`);
    return code;
  }
  const systemd = systemdNotifier(logger);
  void systemd.tell('READY=1');
  await signalled;
  void systemd.tell('STOPPING=1');
  await service.stop();
  return 0;
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process. */
function untilSignal({ logger, sink }: ProcessLog): Promise<undefined> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (signal: string) => {
      if (isStopping) {
        logger.warn('received a second signal; exiting at once', { signal });
        sink.flushNow();
        process.exit(1);
      }
      isStopping = true;
      logger.info('received signal; shutting down', { signal });
      resolve(undefined);
    };
    process.on('SIGINT', () => onSignal('interrupt'));
    process.on('SIGTERM', () => onSignal('terminated'));
  });
}
