import { openSync } from 'node:fs';
import { destination } from 'pino';
import { toConsoleLine } from './log-line.ts';

/** Lines a slow reader may leave unread before new ones are dropped: logs never hold the server up. */
const maxBufferedBytes = 16 * 1024 * 1024;

/** How long `flushNow` gives a write that the system has already taken. */
const graceOfRunningWriteMs = 100;

/** Where log lines go. Writes are asynchronous and keep their order, so a slow reader does not hold the caller up. */
export interface LogSink {
  /** Takes one JSON line with its newline. Never throws. */
  write(line: string): void;
  /** Resolves when all that was written so far has left the process. Never rejects, but may wait for a slow reader. */
  drain(): Promise<void>;
  /**
   * Writes all that waits, in place, for a process that must not turn its loop again. A write under way can't be
   * waited for from here; it gets a moment first. Never throws: at the end there is nobody left to tell.
   */
  flushNow(): void;
}

/**
 * Opens the outputs of --log-outputs (`default`, `stderr`, `stdout` or paths, appended to). Throws the system's error
 * when a file can't be opened.
 */
export function openLogSink(outputs: readonly string[], format: 'json' | 'console'): LogSink {
  const targets = outputs.map((output) => {
    const fd = descriptorOf(output);
    // The smallest minimal length: scripts wait for some lines, so each leaves at once.
    const target = destination({ fd, sync: false, minLength: 1, maxLength: maxBufferedBytes });
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
    async drain() {
      await Promise.all(
        targets.map((target) => new Promise<void>((resolve) => target.flush(() => resolve()))),
      );
    },
    flushNow() {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, graceOfRunningWriteMs);
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
