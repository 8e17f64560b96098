import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchCreateRequestSchema } from '@kvorum/api';
import { etcdErrors } from '@kvorum/api';
import { prefixEnd } from '@kvorum/client';
import { ExitError, exitCodes } from '../../exit-error.ts';
import { bytesOfText } from '../../output/byte-text.ts';
import { goQuote } from '../../output/go-quote.ts';
import { defineCommand } from '../../program/command.ts';
import type { Invocation } from '../../program/invocation.ts';
import { runForEvents } from './event-command.ts';
import { ResumingWatch } from './resuming-watch.ts';
import {
  type WatchArguments,
  type WatchFlags,
  watchArguments,
  watchFlags,
  watchVariables,
} from './watch-arguments.ts';
import { watchInteractively } from './watch-interactive.ts';
import { watchRendering } from './watch-rendering.ts';

/** Variables that the global flags do not know. */
const ownVariables = ['ETCDCTL_WATCH_KEY', 'ETCDCTL_WATCH_RANGE_END'];

export const watch = defineCommand({
  use: 'watch [options] [key or prefix] [range_end] [--] [exec-command arg1 arg2 ...]',
  flags: watchFlags,
  run: async (invocation) => {
    const { args, argsBeforeDash, flags, host } = invocation;
    const variables = watchVariables(host.env);
    if (flags.interactive) {
      invocation.globals(ownVariables);
      return await watchInteractively(invocation, variables);
    }
    const wanted = watchArguments(args, argsBeforeDash, variables);
    invocation.globals(ownVariables);
    const request = createRequest(wanted, flags);
    const client = await invocation.client();
    await printWatch(invocation, new ResumingWatch(client, host, request), wanted.command);
    throw new ExitError(exitCodes.interrupted, 'watch is canceled by the server');
  },
});

/** What to ask the server for. Throws `ExitError`. */
export function createRequest(
  { span }: WatchArguments,
  flags: WatchFlags,
): MessageInitShape<typeof WatchCreateRequestSchema> & object {
  const [text = '', end] = span;
  if (end !== undefined && flags.prefix) {
    throw new ExitError(
      exitCodes.badArguments,
      '`range_end` and `--prefix` are mutually exclusive',
    );
  }
  const isAll = flags.prefix && text === '';
  const key = isAll ? Uint8Array.of(0) : bytesOfText(text);
  const rangeEnd = flags.prefix ? prefixEnd(bytesOfText(text)) : bytesOfText(end ?? '');
  return {
    key,
    rangeEnd,
    startRevision: flags.rev,
    prevKv: flags['prev-kv'],
    progressNotify: flags['progress-notify'],
  };
}

/** Prints what comes, and runs the command for it, until the watch has ended. Rejects with `ExitError`. */
export async function printWatch(
  invocation: Invocation,
  watch: ResumingWatch,
  command: readonly string[],
): Promise<void> {
  for await (const response of watch.responses()) {
    const { header, events, canceled, compactRevision, cancelReason } = response;
    if (canceled) {
      const reason = compactRevision === 0n ? cancelReason : etcdErrors.compacted.text;
      invocation.warn(`watch was canceled (${reason})`);
    } else if (events.length === 0 && compactRevision === 0n) {
      invocation.writeLine(`progress notify: ${header?.revision ?? 0n}`);
    }
    await invocation.print(watchRendering(response));
    if (command.length === 0) continue;
    const failure = await runForEvents(command, response, invocation.host);
    if (failure === undefined) continue;
    invocation.warn(
      `command [${command.map((word) => goQuote(word)).join(' ')}] error (${failure})`,
    );
    throw new ExitError(exitCodes.error, '');
  }
}
