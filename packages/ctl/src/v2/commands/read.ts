import type { V2Node } from '../keys-api.ts';
import { printEvent } from '../print-event.ts';
import { callKeys, keyArgument } from '../v2-arguments.ts';
import type { V2Call } from '../v2-command.ts';
import { PlainExit, v2ExitCodes } from '../v2-errors.ts';
import { v2Globals } from '../v2-globals.ts';
import { options } from '../v2-options.ts';

/** Shows the value of a key. */
export async function get(call: V2Call): Promise<undefined> {
  const keys = await call.keys();
  const key = keyArgument(call);
  const how = { sorted: call.flags.get(options.sort), quorum: call.flags.get(options.quorum) };
  const event = await callKeys(() => keys.get(key, how, call.deadline));
  if (event.node.dir === true) {
    throw new PlainExit(v2ExitCodes.badArguments, `${event.node.key ?? ''}: is a directory`);
  }
  printEvent(call, event);
}

/** Lists what is in a directory. */
export async function ls(call: V2Call): Promise<undefined> {
  const keys = await call.keys();
  const [key = '/'] = call.args;
  const how = {
    sorted: call.flags.get(options.sort),
    recursive: call.flags.get(options.listRecursive),
    quorum: call.flags.get(options.quorum),
  };
  const event = await callKeys(() => keys.get(key, how, call.deadline));
  if (call.globals.get(v2Globals.output) !== 'simple') return void printEvent(call, event);
  if (event.node.dir !== true) call.writeLine(event.node.key ?? '');
  const slash = call.flags.get(options.slash);
  for (const path of pathsUnder(event.node, slash)) call.writeLine(path);
}

function* pathsUnder(node: V2Node, slash: boolean): Generator<string> {
  for (const child of node.nodes ?? []) {
    yield `${child.key ?? ''}${slash && child.dir === true ? '/' : ''}`;
    yield* pathsUnder(child, slash);
  }
}
