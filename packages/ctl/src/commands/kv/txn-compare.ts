import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Compare,
  CompareSchema,
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
} from '@kvorum/api';
import { ExitError, exitCodes } from '../../exit-error.ts';
import { parseDecimalInt64, parseHexInt64 } from '../../flags/go-number.ts';
import { bytesOfText } from '../../output/byte-text.ts';
import { goQuote, goUnquote } from '../../output/go-quote.ts';

const results: Readonly<Record<string, Result>> = {
  '=': Result.EQUAL,
  '!=': Result.NOT_EQUAL,
  '<': Result.LESS,
  '>': Result.GREATER,
};

/** Reads `target("key") op "value"`. Throws `ExitError`. */
export function parseCompare(line: string): Compare {
  const paren = line.indexOf('(');
  if (paren < 0) throw malformed(line, '');
  const target = line.slice(0, paren);
  const { key, operator, value } = partsOf(line, target, line.slice(paren + 1));
  const result = results[operator];
  const what = targetOf(target, value, line);
  if (result === undefined) throw malformed(line, ` (unknown operator ${operator})`);
  return create(CompareSchema, { key: bytesOfText(key), result, ...what });
}

/** What stands after the parenthesis, as far as it can be read. */
function partsOf(line: string, target: string, text: string) {
  const string = '("(?:[^"\\\\]|\\\\.)*"|`[^`]*`)';
  const pattern = new RegExp(`^\\s*${string}(?:\\)\\s*(\\S+)(?:\\s+${string})?)?`, 's');
  const [, keyText = '', operator = '', valueText = ''] = pattern.exec(text) ?? [];
  const key = goUnquote(keyText);
  const value = goUnquote(valueText);
  if (key === undefined || operator === '' || value === undefined) {
    const got = `${target}(${goQuote(key ?? '')}) ${operator} ${goQuote(value ?? '')}`;
    throw malformed(line, `; got ${got}`);
  }
  return { key, operator, value };
}

function targetOf(
  target: string,
  value: string,
  line: string,
): Pick<MessageInitShape<typeof CompareSchema>, 'target' | 'targetUnion'> & object {
  const number = (parse: (text: string) => bigint) => {
    try {
      return parse(value);
    } catch {
      throw invalidInput(`invalid txn compare request: ${line}`);
    }
  };
  switch (target) {
    case 'ver':
    case 'version':
      return {
        target: Target.VERSION,
        targetUnion: { case: 'version', value: number(parseDecimalInt64) },
      };
    case 'c':
    case 'create': {
      const revision = number(parseDecimalInt64);
      return { target: Target.CREATE, targetUnion: { case: 'createRevision', value: revision } };
    }
    case 'm':
    case 'mod': {
      const revision = number(parseDecimalInt64);
      return { target: Target.MOD, targetUnion: { case: 'modRevision', value: revision } };
    }
    case 'val':
    case 'value':
      return { target: Target.VALUE, targetUnion: { case: 'value', value: bytesOfText(value) } };
    case 'lease':
      return { target: Target.LEASE, targetUnion: { case: 'lease', value: number(parseHexInt64) } };
    default:
      throw malformed(line, ` (unknown target ${target})`);
  }
}

function malformed(line: string, detail: string): ExitError {
  return invalidInput(`malformed comparison: ${line}${detail}`);
}

function invalidInput(text: string): ExitError {
  return new ExitError(exitCodes.invalidInput, text);
}
