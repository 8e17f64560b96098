import { pino } from 'pino';
import { formatTimestamp, loggable } from './log-line.ts';
import type { LogSink } from './log-sink.ts';
import type { LogFields, Logger } from './logger.ts';

/** The logger of the process, which may also say why the process ends. */
export interface ProcessLogger extends Logger {
  /** A last line, at level fatal; it is on its way out of the process when the call returns. */
  fatal(message: string, fields?: LogFields): void;
  /** Writes what is buffered, in place; call it before the process exits. */
  flush(): void;
}

/** What a process logger is made of. */
export interface LoggerOptions {
  /** Lines below this level are not written. */
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'panic' | 'fatal';
  readonly sink: LogSink;
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
  return new PinoLogger(root.child({ caller: 'main' }), root, sink);
}

class PinoLogger implements ProcessLogger {
  readonly #root: pino.Logger;
  readonly #pino: pino.Logger;
  readonly #sink: LogSink;

  constructor(self: pino.Logger, root: pino.Logger, sink: LogSink) {
    this.#pino = self;
    this.#root = root;
    this.#sink = sink;
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
    this.#sink.flush();
  }

  flush(): void {
    this.#sink.flush();
  }

  named(caller: string): Logger {
    return new PinoLogger(this.#root.child({ caller }), this.#root, this.#sink);
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
