import { distance } from 'fastest-levenshtein';

/** Names that somebody may have meant: at most two letters away, or begun with what was typed. */
export function similarNames(typed: string, names: readonly string[]): string[] {
  const lower = typed.toLowerCase();
  return names.filter((name) => {
    return distance(lower, name.toLowerCase()) <= 2 || name.toLowerCase().startsWith(lower);
  });
}
