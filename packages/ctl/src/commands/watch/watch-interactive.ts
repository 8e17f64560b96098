import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { parseFlags } from '../../flags/parse-flags.ts';
import { InputLines, splitWords } from '../../input-lines.ts';
import { goUnquote } from '../../output/go-quote.ts';
import type { Invocation } from '../../program/invocation.ts';
import { ResumingWatch } from './resuming-watch.ts';
import { createRequest, printWatch } from './watch.ts';
import {
  type WatchFlags,
  type WatchVariables,
  watchArguments,
  watchFlags,
} from './watch-arguments.ts';

/**
 * Takes commands from standard input, `watch` with its flags or `progress`, and prints what all watches see. Ends
 * by an error only, as at the end of the input.
 */
export async function watchInteractively(
  invocation: Invocation,
  variables: WatchVariables,
): Promise<number> {
  const client = await invocation.client();
  const lines = new InputLines(invocation.host.stdin);
  const watches: ResumingWatch[] = [];
  const failed = Promise.withResolvers<never>();
  const readAll = async (): Promise<never> => {
    for (;;) {
      const line = await lines.next();
      if (line === undefined) {
        throw new ExitError(exitCodes.invalidInput, 'error reading watch request line: EOF');
      }
      const words = splitWords(line, goUnquote);
      const [verb, ...rest] = words;
      if (verb === 'progress') {
        for (const watch of watches) watch.requestProgress();
      } else if (verb === 'watch' && (rest.length > 0 || variables.key !== '')) {
        const wanted = wantedBy(rest, variables);
        const request = createRequest(wanted.arguments, wanted.flags);
        const watch = new ResumingWatch(client, invocation.host, request);
        watches.push(watch);
        printWatch(invocation, watch, wanted.arguments.command).catch(failed.reject);
      } else {
        invocation.warn(complaint(line, verb));
      }
    }
  };
  try {
    return await Promise.race([readAll(), failed.promise]);
  } finally {
    for (const watch of watches) watch.stop();
  }
}

function complaint(line: string, verb: string | undefined): string {
  if (verb === undefined) return `Invalid command: ${line} (watch and progress supported)`;
  if (verb === 'watch') {
    return `Invalid command ${line} (command type or key is not provided)`;
  }
  return `Invalid command ${line} (only support watch)`;
}

function wantedBy(words: readonly string[], variables: WatchVariables) {
  try {
    const { given, positional, beforeDash } = parseFlags(words, watchFlags);
    const values = Object.entries(watchFlags).map(([name, flag]) => {
      return [name, given.has(name) ? given.get(name) : flag.defaultValue];
    });
    return {
      arguments: watchArguments(positional, beforeDash, variables),
      flags: Object.fromEntries(values) as WatchFlags,
    };
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw badArguments((error as Error).message);
  }
}
