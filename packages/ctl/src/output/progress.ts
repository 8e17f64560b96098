import type { Host } from '../host.ts';

/** How far a long work has come. */
export interface ProgressOptions {
  /** What is counted, such as `keys`. */
  readonly unit: string;
  /** Undefined: nobody knows. */
  readonly total: number | undefined;
  /** How an amount is written. Default: with commas between thousands. */
  readonly format?: (amount: number) => string;
}

/** A line on standard error that says how far a work has come, how fast it is and how long it will take yet. */
export interface Progress extends Disposable {
  /** Says how much is done now, of all. Cheap. */
  update(done: number): void;
}

/** A progress line where standard error is a terminal; elsewhere nothing is written. Disposing of it removes it. */
export async function openProgress(host: Host, options: ProgressOptions): Promise<Progress> {
  const { stderr } = host;
  if (!stderr.isTerminal) return { update: () => {}, [Symbol.dispose]: () => {} };
  const { default: cliProgress } = await import('cli-progress');
  const begin = host.now();
  const bar = new cliProgress.SingleBar({
    // It wants a stream of Node's, and uses of it what is here.
    stream: {
      isTTY: true,
      columns: stderr.columns ?? 80,
      write: (text: string) => {
        stderr.write(text);
        return true;
      },
    } as unknown as NodeJS.WritableStream,
    format: (_options, { value }) => progressText(options, value, host.now() - begin),
    clearOnComplete: true,
    hideCursor: true,
    fps: 5,
  });
  bar.start(options.total ?? 0, 0);
  return {
    update: (done) => bar.update(done),
    [Symbol.dispose]: () => bar.stop(),
  };
}

const barWidth = 24;

/** What the line says after `elapsedMs`: `[=====>    ]  52%  520,000 of 1,000,000 keys  98,000/s  5s left`. */
export function progressText(options: ProgressOptions, done: number, elapsedMs: number): string {
  const { total, unit, format = withCommas } = options;
  const rate = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const rateText = `${format(Math.round(rate))}/s`;
  if (total === undefined) return `${format(done)} ${unit}  ${rateText}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * barWidth);
  const bar = `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}]`;
  const left = rate > 0 ? `  ${durationText((total - done) / rate)} left` : '';
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `${bar} ${percent}%  ${format(done)} of ${format(total)} ${unit}  ${rateText}${left}`;
}

/** A whole number with commas between its thousands. */
export function withCommas(value: number): string {
  return value.toLocaleString('en-US');
}

/** A duration for people: `45s`, `3m20s`, `2h05m`. */
export function durationText(durationSeconds: number): string {
  const whole = Math.max(0, Math.round(durationSeconds));
  const [hours, minutes, seconds] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  const two = (value: number) => String(value).padStart(2, '0');
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(seconds)}s` : `${seconds}s`;
}
