import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from './config/config-error.ts';
import type { ServerConfig } from './config/server-config.ts';
import type { LogSink } from './logging/log-sink.ts';
import type { LogFields } from './logging/logger.ts';
import type { ProcessLogger } from './logging/pino-logger.ts';
import { exitCodeOfBug } from './run-member.ts';

/** A reader of the log that does not take the last lines within this time loses them. */
const drainTimeoutMs = 2000;

/** The log of the process: what is written, and the way out of the process it takes. */
export interface ProcessLog {
  readonly logger: ProcessLogger;
  readonly sink: LogSink;
}

/** Opens the log; rejects with `ConfigError` "invalid" when an output can't be opened. */
export async function openLog(
  config: Pick<ServerConfig, 'logLevel' | 'logFormat' | 'logOutputs'>,
): Promise<ProcessLog> {
  const { openLogSink } = await import('./logging/log-sink.ts');
  const { createLogger } = await import('./logging/pino-logger.ts');
  let sink: LogSink;
  try {
    sink = openLogSink(config.logOutputs, config.logFormat);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new ConfigError('invalid', `cannot open --log-outputs: ${text}`);
  }
  return { sink, logger: createLogger({ level: config.logLevel, sink, nowMs: Date.now }) };
}

/** A bug must not be survived, not for one turn of the loop: the state it left behind can't be trusted with data. */
export function dieOnUncaughtErrors(log: ProcessLog): void {
  process.on('uncaughtException', (error: unknown) => {
    log.logger.fatal('uncaught error; the process ends', bugFields(error));
    log.sink.flushNow();
    process.exit(exitCodeOfBug);
  });
}

/** All an error tells, for whoever has to find the bug: also what it carries, such as an invariant's values. */
export function bugFields(error: unknown): LogFields {
  return error instanceof Error
    ? { error: error.message, kind: error.name, ...error, stack: error.stack }
    : { error: String(error) };
}

/** Resolves when what was logged has left the process, or its reader had its time. */
export async function drain(sink: LogSink): Promise<void> {
  await Promise.race([sink.drain(), sleep(drainTimeoutMs, undefined, { ref: false })]);
}
