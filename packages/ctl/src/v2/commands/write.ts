import type { KeysApi, SetOptions, V2Event } from '../keys-api.ts';
import { printEvent, printUnlessSimple } from '../print-event.ts';
import { callKeys, keyArgument, valueArgument } from '../v2-arguments.ts';
import type { V2Call } from '../v2-command.ts';
import { options } from '../v2-options.ts';

/** Writes a key, whether it exists or not. */
export async function set(call: V2Call): Promise<undefined> {
  await write(call, {
    prevValue: call.flags.get(options.swapWithValue),
    prevIndex: call.flags.get(options.swapWithIndex),
  });
}

/** Writes a key that does not exist yet. */
export async function mk(call: V2Call): Promise<undefined> {
  if (!call.flags.get(options.inOrder)) return await write(call, { prevExist: false });
  const keys = await call.keys();
  const directory = keyArgument(call);
  const value = await valueArgument(call);
  const ttl = call.flags.get(options.ttl);
  const event = await callKeys(() => keys.createInOrder(directory, value, ttl, call.deadline));
  printEvent(call, event);
}

/** Writes a key that exists. */
export async function update(call: V2Call): Promise<undefined> {
  await write(call, { prevExist: true });
}

export async function mkdir(call: V2Call): Promise<undefined> {
  await writeDirectory(call, { prevExist: false });
}

export async function setdir(call: V2Call): Promise<undefined> {
  await writeDirectory(call, {});
}

export async function updatedir(call: V2Call): Promise<undefined> {
  await writeDirectory(call, { prevExist: true });
}

async function write(call: V2Call, how: SetOptions): Promise<undefined> {
  const keys = await call.keys();
  const key = keyArgument(call);
  const value = await valueArgument(call);
  printEvent(call, await put(call, keys, key, { ...how, value }));
}

async function writeDirectory(call: V2Call, how: SetOptions): Promise<undefined> {
  const keys = await call.keys();
  printUnlessSimple(call, await put(call, keys, keyArgument(call), how));
}

function put(call: V2Call, keys: KeysApi, key: string, how: SetOptions): Promise<V2Event> {
  const ttl = call.flags.get(options.ttl);
  return callKeys(() => keys.set(key, { ...how, ttl }, call.deadline));
}
