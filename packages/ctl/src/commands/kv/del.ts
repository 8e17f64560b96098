import { defineCommand } from '../../program/command.ts';
import { deleteRequest, delFlags } from './delete-request.ts';
import { deleteRendering } from './kv-renderings.ts';

export const del = defineCommand({
  use: 'del [options] <key> [range_end]',
  flags: delFlags,
  run: async (invocation) => {
    const request = await deleteRequest(invocation.args, invocation.flags, invocation.host);
    const client = await invocation.client();
    const response = await client.kv.deleteRange(request, invocation.callOptions());
    await invocation.print(deleteRendering(response));
  },
});
