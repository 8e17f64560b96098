import { ClientError } from '@kvorum/client';
import { exportLine, parseExportLine } from '../../bulk/export-line.ts';
import { type PagedRange, rangePages } from '../../bulk/range-pages.ts';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { integerFlag, stringFlag } from '../../flags/flag.ts';
import { bytesOfText } from '../../output/byte-text.ts';
import { openProgress, withCommas } from '../../output/progress.ts';
import { defineCommand } from '../../program/command.ts';
import { keySpan } from '../kv/key-span.ts';

/** Text gathered before it is written, in UTF-16 units. */
const chunkLength = 1 << 18;

export const exportCommand = defineCommand({
  use: 'export [prefix] [options]',
  long: `
Writes all keys with a prefix, or all keys, as lines of JSON to standard output:

{"key":"a","value":"b","create_revision":2,"mod_revision":5,"version":3,"lease":"694d77aa9e38260f"}

What is no UTF-8 is written in base64, as "key_base64" or "value_base64". All keys are of one revision, that of
the beginning or --rev, however long it takes. 'import' reads it back.

An export that broke off goes on with the revision that it was told at the end, after the last whole line:

$ etcdctl export --rev 1234 --after "$(tail -n 1 keys.jsonl)" >>keys.jsonl`,
  flags: {
    after: stringFlag('go on after the key of this line of an export'),
    'from-key': stringFlag('leave out the keys before this one'),
    rev: integerFlag('export the keys of this revision, not those of now'),
  },
  run: async (invocation) => {
    const { args, flags, host } = invocation;
    if (args.length > 1) throw badArguments('export command needs at most one prefix');
    const range = spanOf(args[0] ?? '', flags['from-key'], flags.after);
    const client = await invocation.client();
    const interrupted = host.interrupted();
    const options = { ...invocation.callOptions(), signal: interrupted };
    let revision = flags.rev > 0n ? flags.rev : 0n;
    let done = 0;
    try {
      const pages = rangePages(client, { ...range, revision }, options);
      const first = await pages.next();
      if (first.done === true) return;
      if (revision === 0n) revision = BigInt(first.value.revision);
      using progress = await openProgress(host, { unit: 'keys', total: first.value.count });
      for (let page = first.value; ; ) {
        let text = '';
        for (const keyValue of page) {
          text += `${exportLine(keyValue)}\n`;
          if (text.length < chunkLength) continue;
          host.stdout.write(text);
          text = '';
          await host.stdout.drained();
        }
        if (text !== '') host.stdout.write(text);
        await host.stdout.drained();
        done += page.length;
        progress.update(done);
        const next = await pages.next();
        if (next.done === true) break;
        page = next.value;
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (done === 0) {
        if (error.code === 'aborted') return exitCodes.interrupted;
        throw error;
      }
      if (error.code === 'compacted') {
        const text = `${error.message}: revision ${revision} was compacted during the export, so it cannot go on; start again`;
        throw new ExitError(exitCodes.error, text);
      }
      const what = `broke off after ${withCommas(done)} keys of revision ${revision}`;
      invocation.warn(`${what}; go on with: --rev ${revision} --after "$(tail -n 1 FILE)" >>FILE`);
      if (error.code === 'aborted') return exitCodes.interrupted;
      throw error;
    }
    if (host.stderr.isTerminal) {
      invocation.warn(`${withCommas(done)} keys of revision ${revision}`);
    }
    return exitCodes.ok;
  },
});

/** The keys with a prefix, from one on. */
function spanOf(prefix: string, fromKey: string, afterLine: string): PagedRange {
  const span = keySpan([prefix], { prefix: true });
  if (fromKey !== '' && afterLine !== '') {
    throw badArguments('`--from-key` and `--after` cannot be set at the same time, choose one');
  }
  let start = bytesOfText(fromKey);
  if (afterLine !== '') {
    const { key } = parseExportLine(afterLine, 'the line of --after');
    start = Buffer.concat([key, Uint8Array.of(0)]);
  }
  return { ...span, key: Buffer.compare(start, span.key) > 0 ? start : span.key };
}
