import type { Progress, Stage } from '@kvorum/server/offline';
import { ExitError, exitCodes } from '../exit-error.ts';
import type { Host } from '../host.ts';
import { humanBytes } from '../output/go-text.ts';
import { openProgress, type Progress as ProgressLine } from '../output/progress.ts';

/** What has been done with the bytes that a stage counts. */
const units: Readonly<Record<Stage, string>> = {
  verifying: 'verified',
  checking: 'checked',
  restoring: 'restored',
  copying: 'copied',
  writing: 'written',
};

/**
 * Runs a long work: it gives way to other things now and then, stops when the process is interrupted, and shows how far
 * it is when standard error is a terminal. Rejects with `ExitError` when it is interrupted.
 */
export async function withProgress<T>(
  host: Host,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const interrupted = host.interrupted();
  const lines = new ProgressLines(host);
  try {
    return await work(async (stage, doneBytes, totalBytes) => {
      await lines.show(stage, doneBytes, totalBytes);
      await new Promise<void>((resolve) => host.after(0, resolve));
      if (interrupted.aborted) throw new ExitError(exitCodes.interrupted, 'interrupted');
    });
  } finally {
    lines.close();
  }
}

/** A line for each stage, one after the other. */
class ProgressLines {
  readonly #host: Host;
  #line: ProgressLine | undefined;
  #stage: Stage | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  async show(stage: Stage, doneBytes: number, totalBytes: number): Promise<void> {
    if (stage !== this.#stage) {
      this.close();
      this.#stage = stage;
      const format = (bytes: number) => humanBytes(BigInt(bytes));
      this.#line = await openProgress(this.#host, {
        unit: units[stage],
        total: totalBytes,
        format,
      });
    }
    this.#line?.update(doneBytes);
    // What is logged next begins on a line of its own.
    if (doneBytes >= totalBytes) this.close();
  }

  close(): void {
    this.#line?.[Symbol.dispose]();
    this.#line = undefined;
  }
}
