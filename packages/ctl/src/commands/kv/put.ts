import { defineCommand } from '../../program/command.ts';
import { putRendering } from './kv-renderings.ts';
import { putFlags, putRequest } from './put-request.ts';

export const put = defineCommand({
  use: 'put [options] <key> <value> (<value> can also be given from stdin)',
  long: `
Puts the given key into the store.

When <value> begins with '-', <value> is interpreted as a flag.
Insert '--' for workaround:

$ put <key> -- <value>
$ put -- <key> <value>

If <value> isn't given as a command line argument and '--ignore-value' is not specified,
this command tries to read the value from standard input.

If <lease> isn't given as a command line argument and '--ignore-lease' is not specified,
this command tries to read the value from standard input.

For example,
$ cat file | put <key>
will store the content of the file to <key>.`,
  flags: putFlags,
  run: async (invocation) => {
    const request = await putRequest(invocation.args, invocation.flags, invocation.host.stdin);
    const client = await invocation.client();
    await invocation.print(putRendering(await client.kv.put(request, invocation.callOptions())));
  },
});
