/** What one subject did under one load. */
export interface Sample {
  readonly subject: string;
  readonly load: string;
  readonly unit: 'calls' | 'messages';
  /** Calls or messages, as `unit` says. */
  readonly operations: number;
  /** Payload one way. */
  readonly bytesPerOperation: number;
  readonly seconds: number;
  /** User and system time of the process under test. */
  readonly cpuSeconds: number;
  /** At the end. */
  readonly rssBytes: number;
}

/** Medians over the rounds. */
export interface Summary {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly cpuMicrosPerOperation: number;
  readonly megabytesPerSecond: number;
  readonly megabytesPerCpuSecond: number;
  readonly rssMebibytes: number;
}

export function summarize(samples: readonly Sample[]): Summary {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  const perSecond = (s: Sample): number => s.operations / s.seconds;
  const perCpuSecond = (s: Sample): number => s.operations / s.cpuSeconds;
  return {
    perSecond: of(perSecond),
    perCpuSecond: of(perCpuSecond),
    cpuMicrosPerOperation: of((s) => 1e6 / perCpuSecond(s)),
    megabytesPerSecond: of((s) => (perSecond(s) * s.bytesPerOperation) / 1e6),
    megabytesPerCpuSecond: of((s) => (perCpuSecond(s) * s.bytesPerOperation) / 1e6),
    rssMebibytes: of((s) => s.rssBytes / 2 ** 20),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** One table per load, a row per subject; the last column is how far the first row is ahead. */
export function tables(samples: readonly Sample[]): string {
  const parts: string[] = [];
  for (const load of new Set(samples.map((sample) => sample.load))) {
    const here = samples.filter((sample) => sample.load === load);
    const unit = here[0]?.unit ?? 'calls';
    const lines = [
      `### ${load}`,
      '',
      `| | ${unit} per CPU second | CPU us each | ${unit}/s | MB per CPU s | MB/s | RSS MiB | first row is ahead |`,
      '|---|---:|---:|---:|---:|---:|---:|---:|',
    ];
    let lead = Number.NaN;
    for (const subject of new Set(here.map((sample) => sample.subject))) {
      const summary = summarize(here.filter((sample) => sample.subject === subject));
      if (Number.isNaN(lead)) lead = summary.perCpuSecond;
      const cells = [
        subject,
        whole(summary.perCpuSecond),
        summary.cpuMicrosPerOperation.toFixed(2),
        whole(summary.perSecond),
        whole(summary.megabytesPerCpuSecond),
        whole(summary.megabytesPerSecond),
        whole(summary.rssMebibytes),
        `${(lead / summary.perCpuSecond).toFixed(2)}x`,
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
    parts.push(lines.join('\n'));
  }
  return parts.join('\n\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
