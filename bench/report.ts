import { median } from './statistics.ts';

/** What one run of a load gave. */
export interface LoadResult {
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** One run with what the server used meanwhile. */
export interface Sample extends LoadResult {
  readonly scenario: string;
  readonly server: string;
  readonly cpuMicrosPerOperation: number;
  readonly rssBytes: number;
}

/** A figure that isn't a rate, such as the time to open a large store. */
export interface Figure {
  readonly scenario: string;
  readonly server: string;
  readonly value: number;
  readonly unit: string;
}

const MIB = 1024 * 1024;

/** The samples as a table: medians over the rounds, and the ratio of the first server to the second. */
export function table(samples: readonly Sample[], servers: readonly [string, string]): string {
  const lines = [
    `| scenario | ${servers[0]}/s | ${servers[1]}/s | ratio | p50 ms | p99 ms | p99.9 ms | CPU us/op | RSS MiB |`,
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const scenario of new Set(samples.map((sample) => sample.scenario))) {
    const of = (server: string, pick: (sample: Sample) => number) =>
      median(samples.filter((s) => s.scenario === scenario && s.server === server).map(pick));
    const both = (pick: (sample: Sample) => number, digits: number) =>
      servers.map((server) => of(server, pick).toFixed(digits)).join(' / ');
    const rates = servers.map((server) => of(server, (s) => s.perSecond));
    const ratio = (rates[0] ?? 0) / (rates[1] ?? 1);
    const cells = [
      scenario,
      ...rates.map((rate) => Math.round(rate).toLocaleString('en')),
      `${ratio.toFixed(2)}x`,
      both((s) => s.p50Ms, 2),
      both((s) => s.p99Ms, 2),
      both((s) => s.p999Ms, 2),
      both((s) => s.cpuMicrosPerOperation, 1),
      both((s) => s.rssBytes / MIB, 0),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/** Single figures as a table, one row a scenario. */
export function figureTable(figures: readonly Figure[], servers: readonly string[]): string {
  const lines = [`| figure | ${servers.join(' | ')} |`, `|---|${'---:|'.repeat(servers.length)}`];
  for (const scenario of new Set(figures.map((figure) => figure.scenario))) {
    const cells = servers.map((server) => {
      const found = figures.find((f) => f.scenario === scenario && f.server === server);
      return found === undefined ? '' : `${found.value.toLocaleString('en')} ${found.unit}`;
    });
    lines.push(`| ${scenario} | ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}
