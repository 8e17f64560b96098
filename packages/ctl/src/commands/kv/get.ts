import { badArguments } from '../../exit-error.ts';
import { defineCommand } from '../../program/command.ts';
import { rangeRendering } from './kv-renderings.ts';
import { mayBePaged, writePaged } from './paged-get.ts';
import { getFlags, rangeRequest } from './range-request.ts';

export const get = defineCommand({
  use: 'get [options] <key> [range_end]',
  flags: getFlags,
  run: async (invocation) => {
    const { args, flags } = invocation;
    const request = rangeRequest(args, flags);
    const client = await invocation.client();
    const globals = invocation.globals();
    if (globals['write-out'] === 'simple' && !globals.hex && mayBePaged(request, client)) {
      const isValueOnly = flags['print-value-only'];
      const options = invocation.callOptions();
      await writePaged(invocation.host.stdout, client, request, isValueOnly, options);
      return;
    }
    const response = await client.kv.range(request, invocation.callOptions());
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
