import { runChild } from '../../run-child.ts';
import type { V2Event } from '../keys-api.ts';
import { printEvent } from '../print-event.ts';
import { keyArgument } from '../v2-arguments.ts';
import type { V2Call } from '../v2-command.ts';
import { missing, PlainExit, v2ExitCodes, v2Failure } from '../v2-errors.ts';
import type { V2Flag } from '../v2-flags.ts';
import { options } from '../v2-options.ts';

/** Shows the next event of a key, or all that follow. */
export async function watch(call: V2Call): Promise<undefined> {
  const isForever = call.flags.get(options.watchForever);
  const isRecursive = call.flags.get(options.watchRecursive);
  for await (const event of eventsOf(call, keyArgument, options.watchRecursive)) {
    if (event.node.dir === true) continue;
    if (isRecursive) call.writeLine(`[${event.action}] ${event.node.key ?? ''}`);
    printEvent(call, event);
    if (!isForever) return;
  }
}

/** Runs a program at each event of a key. */
export async function execWatch(call: V2Call): Promise<undefined> {
  const { key, program } = commandOf(call.args);
  for await (const event of eventsOf(call, () => key, options.execRecursive)) {
    if (event.node.dir === true) {
      call.warn(`Ignored dir ${event.node.key ?? ''} change`);
      continue;
    }
    const { hasStarted, failure } = await runChild(program, environmentOf(call, event), call.host);
    if (!hasStarted) throw new PlainExit(v2ExitCodes.badArguments, failure ?? '');
  }
}

/** Events until Ctrl-C. */
async function* eventsOf(
  call: V2Call,
  findKey: (call: V2Call) => string,
  recursive: V2Flag<boolean>,
): AsyncGenerator<V2Event> {
  const keys = await call.keys();
  const interrupted = call.host.interrupted();
  const how = {
    recursive: call.flags.get(recursive),
    afterIndex: call.flags.get(options.afterIndex),
  };
  try {
    yield* keys.watch(findKey(call), how, interrupted);
  } catch (error) {
    if (!interrupted.aborted) throw v2Failure(v2ExitCodes.serverError, error);
  }
}

/**
 * `KEY -- PROGRAM ARGS`. Without the dashes etcdctl takes the last argument for the key, and so its users' scripts
 * have it there.
 */
function commandOf(args: readonly string[]): { key: string; program: readonly string[] } {
  if (args.length < 2) throw missing('key and command to exec');
  const dash = args.indexOf('--', 1);
  if (dash < 0) return { key: args.at(-1) ?? '', program: args.slice(0, -1) };
  return { key: args[0] ?? '', program: args.slice(2) };
}

function environmentOf(call: V2Call, { action, node }: V2Event): Record<string, string> {
  const env = Object.entries(call.host.env).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(env) as Record<string, string>),
    ETCD_WATCH_ACTION: action,
    ETCD_WATCH_MODIFIED_INDEX: String(node.modifiedIndex ?? 0),
    ETCD_WATCH_KEY: node.key ?? '',
    ETCD_WATCH_VALUE: node.value ?? '',
  };
}
