import { ConfigError } from './config-error.ts';
import { parseDurationMs } from './duration.ts';
import { parseEndpointUrls } from './endpoint-url.ts';
import type { Flag, FlagValue } from './flag.ts';

const trueWords = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const falseWords = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** What decides how a flag's text is read. */
export type FlagForm = Pick<Flag, 'kind' | 'choices' | 'max'>;

/** Whether a word is a boolean as Go's flag package reads it. */
export function isBooleanWord(word: string): boolean {
  return trueWords.has(word) || falseWords.has(word);
}

/**
 * Reads a flag's text: numbers and booleans as such, durations as milliseconds, the rest as checked text. Throws
 * `ConfigError` "invalid" whose message is only the reason (`parse error`); the caller says where the text came from.
 */
export function parseFlagText(flag: FlagForm, text: string): FlagValue {
  switch (flag.kind) {
    case 'text':
    case 'list':
      return text;
    case 'bool':
      if (!isBooleanWord(text)) {
        throw new ConfigError('invalid', 'parse error');
      }
      return trueWords.has(text);
    case 'int':
    case 'uint':
      return parseInteger(flag, text);
    case 'duration': {
      const ms = parseDurationMs(text);
      if (ms === undefined) {
        throw new ConfigError('invalid', 'parse error');
      }
      return ms;
    }
    case 'urls':
      if (text !== '') {
        parseEndpointUrls(text);
      }
      return text;
    case 'choice':
      if (!flag.choices.includes(text)) {
        const choices = flag.choices.join(', ');
        throw new ConfigError('invalid', `invalid value (one of ${choices})`);
      }
      return text;
  }
}

function parseInteger(flag: FlagForm, text: string): number {
  const pattern = flag.kind === 'uint' ? /^(0x[\da-f]+|\d+)$/i : /^[+-]?(0x[\da-f]+|\d+)$/i;
  if (!pattern.test(text)) {
    throw new ConfigError('invalid', 'parse error');
  }
  const magnitude = Number(text.replace(/^[+-]/, ''));
  const value = text.startsWith('-') ? -magnitude : magnitude;
  if (!Number.isSafeInteger(value) || value > flag.max) {
    throw new ConfigError('invalid', 'value out of range');
  }
  return value;
}
