import { create } from '@bufbuild/protobuf';
import { type RequestOp, RequestOpSchema } from '@kvorum/api';
import { ExitError, exitCodes } from '../../exit-error.ts';
import type { FlagDefinitions, FlagValues } from '../../flags/flag.ts';
import { parseFlags } from '../../flags/parse-flags.ts';
import type { Host } from '../../host.ts';
import { splitWords } from '../../input-lines.ts';
import { goUnquote } from '../../output/go-quote.ts';
import { deleteRequest, delFlags } from './delete-request.ts';
import { putFlags, putRequest } from './put-request.ts';
import { getFlags, rangeRequest } from './range-request.ts';

/** Reads a `put`, `get` or `del` with its flags. Rejects with `ExitError`. */
export async function parseOperation(line: string, host: Host): Promise<RequestOp> {
  const words = splitWords(line, goUnquote);
  const [name = '', ...rest] = words;
  if (words.length < 2) throw invalidInput(`invalid txn compare request: ${line}`);
  const [matching, ...others] = ['del', 'get', 'put'].filter((one) => one.startsWith(name));
  if (name === '' || others.length > 0) throw invalidInput(`invalid txn request: ${line}`);
  switch (matching) {
    case 'put': {
      const { args, flags } = read(rest, putFlags, line);
      const value = await putRequest(args, flags, host.stdin);
      return create(RequestOpSchema, { request: { case: 'requestPut', value } });
    }
    case 'get': {
      const { args, flags } = read(rest, getFlags, line);
      const value = rangeRequest(args, flags);
      return create(RequestOpSchema, { request: { case: 'requestRange', value } });
    }
    case 'del': {
      const { args, flags } = read(rest, delFlags, line);
      const value = await deleteRequest(args, flags, host);
      return create(RequestOpSchema, { request: { case: 'requestDeleteRange', value } });
    }
    default:
      throw invalidInput(`invalid txn request: ${line}`);
  }
}

function read<F extends FlagDefinitions>(
  words: readonly string[],
  definitions: F,
  line: string,
): { readonly args: readonly string[]; readonly flags: FlagValues<F> } {
  try {
    const { given, positional } = parseFlags(words, definitions);
    const values = Object.entries(definitions).map(([name, flag]) => {
      return [name, given.has(name) ? given.get(name) : flag.defaultValue];
    });
    return { args: positional, flags: Object.fromEntries(values) as FlagValues<F> };
  } catch {
    throw invalidInput(`invalid txn request: ${line}`);
  }
}

function invalidInput(text: string): ExitError {
  return new ExitError(exitCodes.invalidInput, text);
}
