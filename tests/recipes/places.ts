import type { Client, KeyValue } from '@kvorum/client';
import { eventually } from '../framework/eventually.ts';

/** Keys below a prefix in the order of their creation. */
export async function keysBelow(client: Client, prefix: string): Promise<string[]> {
  const { entries } = await client.range({ prefix }, { sortBy: 'createRevision', keysOnly: true });
  return entries.map((entry: KeyValue) => entry.keyString());
}

/** Waits until so many keys are below a prefix: all who wanted to have joined the line. */
export async function lineOf(client: Client, prefix: string, length: number): Promise<string[]> {
  return await eventually(`${length} in line at ${prefix}`, async () => {
    const keys = await keysBelow(client, prefix);
    return keys.length === length && keys;
  });
}
