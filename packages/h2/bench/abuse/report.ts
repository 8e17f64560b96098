import { faultsOf, p99Ratio, rssGrowthBytes, type Trial } from './verdict.ts';

const MiB = 1024 * 1024;

/** Everything about one trial, in a few lines. */
export function describeTrial(trial: Trial): string {
  const { attack, baseline, attacked, result, seconds } = trial;
  const cpuShare = (trial.during.cpuMs - trial.before.cpuMs) / (seconds * 1000);
  const rss = [trial.before.rssBytes, trial.during.peakRssBytes, trial.after.rssBytes];
  const latency = (name: string, of: typeof baseline) =>
    `  ${name.padEnd(9)} p50 ${ms(of.p50Ms)}  p99 ${ms(of.p99Ms)}  max ${ms(of.maxMs)}  ` +
    `p99 from the call ${ms(of.serviceP99Ms)}  median p99 of a second ${ms(of.p99OfSecondsMs)}`;
  const limits = Object.entries(attack.limits).map(([name, value]) => `${name}=${value}`);
  const ends = result.groups.map(
    ({ ending, text, count, medianLifeMs, longestLifeMs }) =>
      `  ${String(count).padStart(6)} x ${ending}${text === '' ? '' : ` "${text}"`}, after ` +
      `${(medianLifeMs / 1000).toFixed(2)} s (median), ${(longestLifeMs / 1000).toFixed(2)} s (most)`,
  );
  const answers = result.answers.map(([answer, count]) => `${count} x ${answer}`);
  return [
    `${attack.name}: ${attack.what}`,
    `  ${attack.connections} connections, ${attack.piecesPerSecond} pieces/s asked for, ` +
      `${Math.round(result.pieces / seconds)} sent${limits.length > 0 ? `; ${limits}` : ''}`,
    latency('baseline', baseline),
    latency('attacked', attacked),
    `  server RSS ${rss.map((bytes) => (bytes / MiB).toFixed(0)).join(' -> ')} MiB ` +
      `(before, peak, after), CPU ${(cpuShare * 100).toFixed(0)} %`,
    ...ends,
    ...(answers.length > 0 ? [`  streams: ${answers.join(', ')}`] : []),
    `  ${verdict(trial)}`,
  ].join('\n');
}

/** A row for each trial. */
export function trialTable(trials: readonly Trial[]): string {
  const rows = trials.map((trial) => {
    const ends = trial.result.groups.map((group) => `${group.count} ${group.ending}`);
    const answers = trial.result.answers.map(([answer, count]) => `${count} ${answer}`);
    const cells = [
      trial.attack.name,
      trial.baseline.p99Ms.toFixed(2),
      trial.attacked.p99Ms.toFixed(2),
      `${p99Ratio(trial).toFixed(2)}x`,
      (rssGrowthBytes(trial) / MiB).toFixed(0),
      [...ends, ...answers].join(', '),
      faultsOf(trial).length === 0 ? 'PASS' : 'FAIL',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| attack | p99 before, ms | p99 attacked, ms | ratio | RSS growth, MiB | attackers got | verdict |',
    '|---|---:|---:|---:|---:|---|---|',
    ...rows,
  ].join('\n');
}

function verdict(trial: Trial): string {
  const faults = faultsOf(trial);
  return faults.length === 0 ? 'PASS' : `FAIL: ${faults.join('; ')}`;
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}
