/** Words of a line as a shell takes them apart. */
export interface ShellWords {
  readonly words: readonly string[];
  /** Whether a quote is open or the line ends with a backslash: it goes on in the next one. */
  readonly isOpen: boolean;
  /** Whether the last word may go on: nothing stands behind it. */
  readonly isLastUnfinished: boolean;
}

/**
 * Takes a line apart at spaces, with quotes and backslashes as in a POSIX shell; nothing is expanded. A `#` at the begin of
 * a word makes the rest a comment.
 */
export function shellWords(line: string): ShellWords {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let isOpen = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? '';
    if (quote === "'") {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '\\') {
      at += 1;
      const next = line[at];
      if (next === undefined) isOpen = true;
      else if (next !== '\n') {
        const isKept = quote === '"' && !/["\\$`]/.test(next);
        word = `${word ?? ''}${isKept ? '\\' : ''}${next}`;
      }
    } else if (quote === '"') {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#' && word === undefined) {
      const end = line.indexOf('\n', at);
      if (end < 0) break;
      at = end;
    } else word = `${word ?? ''}${character}`;
  }
  if (word !== undefined) words.push(word);
  return { words, isOpen: isOpen || quote !== '', isLastUnfinished: word !== undefined };
}
