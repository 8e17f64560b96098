import { DEADLINE_MS } from './eventually.ts';

/** Value of a metric by its name, with labels if it has any; undefined while the server at `url` does not show it. */
export async function readMetric(url: string, series: string): Promise<number | undefined> {
  const [value] = await readMetrics(url, [series]);
  return value;
}

/** The same of several metrics at one moment. */
export async function readMetrics(
  url: string,
  names: readonly string[],
): Promise<(number | undefined)[]> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(DEADLINE_MS) });
  const lines = (await answer.text()).split('\n');
  return names.map((series) => {
    const line = lines.find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  });
}
