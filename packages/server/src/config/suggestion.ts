import { closest, distance } from 'fastest-levenshtein';
import { unknownFlagPrefix } from './command-line.ts';
import { flagTable } from './flag-table.ts';

/**
 * A line that names the flag somebody probably meant, for the message of a usage error; empty when the error is about
 * something else or no name is near.
 */
export function suggestionFor(message: string): string {
  if (!message.startsWith(unknownFlagPrefix)) {
    return '';
  }
  const name = message.slice(unknownFlagPrefix.length);
  const candidates = flagTable.filter((flag) => flag.support !== 'legacy');
  const nearest = closest(
    name,
    candidates.map((flag) => flag.name),
  );
  // A third of the letters wrong is still a typing error; more is another word.
  const isNear = distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3));
  return isNear ? `Did you mean --${nearest}?\n` : '';
}
