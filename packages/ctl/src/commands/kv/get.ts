import { rangePages } from '../../bulk/range-pages.ts';
import { badArguments } from '../../exit-error.ts';
import { defineCommand } from '../../program/command.ts';
import { rangeRendering } from './kv-renderings.ts';
import { mayBePaged, writePages } from './paged-get.ts';
import { getFlags, rangeRequest } from './range-request.ts';
import { streamedPages, streamedRange } from './streamed-get.ts';

export const get = defineCommand({
  use: 'get [options] <key> [range_end]',
  flags: getFlags,
  run: async (invocation) => {
    const { args, flags } = invocation;
    const request = rangeRequest(args, flags);
    const client = await invocation.client();
    const globals = invocation.globals();
    const options = invocation.callOptions();
    const isPlain = globals['write-out'] === 'simple' && !globals.hex && !flags['count-only'];
    if (isPlain && (flags.stream || mayBePaged(request, client))) {
      const read = flags.stream ? streamedPages : rangePages;
      const pages = read(client, request, options);
      await writePages(invocation.host.stdout, pages, flags['print-value-only']);
      return;
    }
    const response = flags.stream
      ? await streamedRange(client, request, options)
      : await client.kv.range(request, options);
    const format = globals['write-out'];
    if (flags['count-only'] && format !== 'fields') {
      throw badArguments('--count-only is only for `--write-out=fields`');
    }
    if (flags['print-value-only'] && format !== 'simple') {
      throw badArguments('print-value-only is only for `--write-out=simple`');
    }
    await invocation.print(rangeRendering(response, flags['print-value-only']));
  },
});
