const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5, the micro sign
  μs: 1e3, // U+03BC, the Greek letter
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const term = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Reads a duration as Go writes it: terms of a decimal number and a unit, such as `1h30m`, `-1.5s` or `100ms`; only `0`
 * may go without a unit. Returns milliseconds, or undefined when the text is no duration.
 */
export function parseDurationMs(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') {
    return 0;
  }
  if (body === '') {
    return undefined;
  }
  let ns = 0;
  term.lastIndex = 0;
  while (term.lastIndex < body.length) {
    const match = term.exec(body);
    const factor = unitNs[match?.[2] ?? ''];
    if (match === null || factor === undefined) {
      return undefined;
    }
    ns += Number(match[1]) * factor;
  }
  return (sign * ns) / 1e6;
}
