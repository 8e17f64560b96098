import type { Histogram } from './histogram.ts';

/** Content type of Prometheus' text format, for GET /metrics. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Label names and values of one series. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Builds a page in Prometheus' text format. A family is opened once with its name, type and help; its samples follow
 * before the next family is opened.
 */
export class TextExposition {
  #lines: string[] = [];
  #family = '';

  /** One number without labels that may go down. */
  gauge(name: string, help: string, value: number): void {
    this.open(name, 'gauge', help);
    this.sample({}, value);
  }

  /** One number without labels that only grows. */
  counter(name: string, help: string, value: number): void {
    this.open(name, 'counter', help);
    this.sample({}, value);
  }

  /** One histogram without labels. */
  histogram(name: string, help: string, histogram: Histogram): void {
    this.open(name, 'histogram', help);
    this.buckets({}, histogram);
  }

  /** Starts a family; a family without samples shows only its help, as a labelled one does before its first use. */
  open(name: string, type: 'gauge' | 'counter' | 'histogram', help: string): void {
    this.#family = name;
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  /** Adds a series of the open gauge or counter. */
  sample(labels: Labels, value: number): void {
    this.#lines.push(`${this.#family}${formatLabels(labels)} ${formatValue(value)}`);
  }

  /** Adds a series of the open histogram. */
  buckets(labels: Labels, histogram: Histogram): void {
    const name = this.#family;
    let cumulative = 0;
    histogram.bounds.forEach((bound, slot) => {
      cumulative += histogram.counts[slot] ?? 0;
      const full = formatLabels({ ...labels, le: formatValue(bound) });
      this.#lines.push(`${name}_bucket${full} ${cumulative}`);
    });
    const infinite = formatLabels({ ...labels, le: '+Inf' });
    const plain = formatLabels(labels);
    this.#lines.push(
      `${name}_bucket${infinite} ${histogram.count}`,
      `${name}_sum${plain} ${formatValue(histogram.sum)}`,
      `${name}_count${plain} ${histogram.count}`,
    );
  }

  /** The page so far, with a final newline. */
  toString(): string {
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) {
    return '+Inf';
  }
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
