import type { DeleteOptions } from '../keys-api.ts';
import { printEvent, printUnlessSimple } from '../print-event.ts';
import { callKeys, keyArgument } from '../v2-arguments.ts';
import type { V2Call } from '../v2-command.ts';
import { options } from '../v2-options.ts';

/** Removes a key, or a directory with all in it. */
export async function rm(call: V2Call): Promise<undefined> {
  const { flags } = call;
  await remove(call, {
    dir: flags.get(options.dir),
    recursive: flags.get(options.removeRecursive),
    prevValue: flags.get(options.withValue),
    prevIndex: flags.get(options.withIndex),
  });
}

/** Removes a directory that is empty. */
export async function rmdir(call: V2Call): Promise<undefined> {
  await remove(call, { dir: true });
}

async function remove(call: V2Call, how: DeleteOptions): Promise<undefined> {
  const keys = await call.keys();
  const key = keyArgument(call);
  const event = await callKeys(() => keys.delete(key, how, call.deadline));
  if (event.node.dir === true) printUnlessSimple(call, event);
  else printEvent(call, event);
}
