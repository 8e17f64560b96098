import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const page = readFileSync(join(import.meta.dirname, '../e2e/known-differences.md'), 'utf8');

/** Names of the differences that tests/e2e/known-differences.md gives reasons for: its headings. */
export const knownDifferences: ReadonlySet<string> = new Set(
  [...page.matchAll(/^## `([a-z0-9-]+)`$/gm)].map((match) => match[1] ?? ''),
);

/** Marks the place where a test allows for a difference from the real etcd. Throws when the page does not have it. */
export function knownDifference(name: string): void {
  if (!knownDifferences.has(name)) throw new Error(`no reason on the page for "${name}"`);
}
