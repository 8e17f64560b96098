import { pino } from 'pino';
import { formatTimestamp, loggable } from './log-line.ts';
import type { LogSink } from './log-sink.ts';
import type { LogFields, Logger } from './logger.ts';

/** The logger of the process, which may also say why the process ends. */
export interface ProcessLogger extends Logger {
  /** A last line, at level fatal. Drain or flush the sink before the process exits. */
  fatal(message: string, fields?: LogFields): void;
}

/** What a process logger is made of. */
export interface LoggerOptions {
  /** Lines below this level are not written. */
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'panic' | 'fatal';
  /** Takes the lines; the caller keeps it, and flushes it at the end. */
  readonly sink: Pick<LogSink, 'write'>;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Creates the root logger: one JSON line per call in etcd's layout (level, ts, caller, msg, fields). */
export function createLogger(options: LoggerOptions): ProcessLogger {
  const { sink, nowMs } = options;
  const root = pino(
    {
      level: options.level === 'panic' ? 'fatal' : options.level,
      base: null,
      timestamp: () => `,"ts":"${formatTimestamp(nowMs())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  return new PinoLogger(root.child({ caller: 'main' }), root);
}

class PinoLogger implements ProcessLogger {
  readonly #root: pino.Logger;
  readonly #pino: pino.Logger;

  constructor(self: pino.Logger, root: pino.Logger) {
    this.#pino = self;
    this.#root = root;
  }

  get debugEnabled(): boolean {
    return this.#pino.isLevelEnabled('debug');
  }

  debug(message: string, fields?: LogFields): void {
    if (this.debugEnabled) {
      this.#pino.debug(withMessage(message, fields));
    }
  }

  info(message: string, fields?: LogFields): void {
    this.#pino.info(withMessage(message, fields));
  }

  warn(message: string, fields?: LogFields): void {
    this.#pino.warn(withMessage(message, fields));
  }

  error(message: string, fields?: LogFields): void {
    this.#pino.error(withMessage(message, fields));
  }

  fatal(message: string, fields?: LogFields): void {
    this.#pino.fatal(withMessage(message, fields));
  }

  named(caller: string): Logger {
    return new PinoLogger(this.#root.child({ caller }), this.#root);
  }
}

/** The message goes in front of the fields, where people look for it. */
function withMessage(message: string, fields: LogFields | undefined): Record<string, unknown> {
  const line: Record<string, unknown> = { msg: message };
  if (fields !== undefined) {
    for (const key of Object.keys(fields)) {
      line[key] = loggable(fields[key]);
    }
  }
  return line;
}
