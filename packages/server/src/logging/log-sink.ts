import { openSync } from 'node:fs';
import { destination } from 'pino';
import { toConsoleLine } from './log-line.ts';

/** Lines a slow reader may leave unread before new ones are dropped: logs never hold the server up. */
const maxBufferedBytes = 16 * 1024 * 1024;

/** Where log lines go. Writes are asynchronous and keep their order; `flush` is for the end of the process. */
export interface LogSink {
  /** Takes one JSON line with its newline. Never throws. */
  write(line: string): void;
  /** Writes all that waits, in place. Never throws: at the end there is nobody left to tell. */
  flush(): void;
}

/**
 * Opens the outputs of --log-outputs (`default`, `stderr`, `stdout` or paths, appended to). Throws the system's error
 * when a file can't be opened.
 */
export function openLogSink(outputs: readonly string[], format: 'json' | 'console'): LogSink {
  const targets = outputs.map((output) => {
    const fd = descriptorOf(output);
    // No minimal length: scripts wait for some lines, so each leaves as soon as the loop turns.
    const target = destination({ fd, sync: false, minLength: 0, maxLength: maxBufferedBytes });
    // A reader that has gone (EPIPE) or a full disk must not stop the server.
    target.on('error', () => {});
    return target;
  });
  return {
    write(line) {
      const text = format === 'json' ? line : toConsoleLine(line);
      for (const target of targets) {
        target.write(text);
      }
    },
    flush() {
      for (const target of targets) {
        try {
          target.flushSync();
        } catch {
          // The reader has gone; the line is lost.
        }
      }
    },
  };
}

function descriptorOf(output: string): number {
  switch (output) {
    case 'stdout':
      return 1;
    case 'default':
    case 'stderr':
      return 2;
    default:
      return openSync(output, 'a', 0o600);
  }
}
