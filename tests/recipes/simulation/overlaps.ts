/** From the first deed of a holder to its last one, in virtual ms. */
export interface Span {
  readonly kind: 'alone' | 'shared' | 'one of some';
  readonly token: bigint;
  readonly owner: number;
  readonly from: number;
  readonly to: number;
}

/** What is wrong with holders that acted at the same time: with one that should be alone, or with too many. */
export function overlapProblems(spans: readonly Span[], permits: number): string[] {
  const problems: string[] = [];
  for (const [at, span] of spans.entries()) {
    const others = spans.filter((other) => {
      return other !== span && other.from <= span.from && span.from < other.to;
    });
    for (const other of others) {
      if (span.kind === 'alone' || other.kind === 'alone') {
        problems.push(`${textOf(span)} acts while ${textOf(other)} does`);
      }
    }
    // Where a span begins there are as many at once as anywhere within it.
    const together = others.filter((other) => other.from < span.from || spans.indexOf(other) < at);
    if (span.kind === 'one of some' && together.length >= permits) {
      problems.push(`${textOf(span)} acts while ${together.length} others do`);
    }
  }
  return problems;
}

function textOf({ kind, token, owner, from, to }: Span): string {
  return `process ${owner} (${kind}, token ${token}, from ${from} to ${to} ms)`;
}
