import { type Client, ClientError, type KeyValue, type RangeResult } from '@kvorum/client';
import { platformEnvironment, type RecipeEnvironment } from './environment.ts';
import { abortedError } from './errors.ts';
import { persistently } from './persistently.ts';
import type { WaitOptions } from './session.ts';

/** How an election is observed. */
export interface ObserveOptions extends WaitOptions {
  /** Default: the platform's timers. */
  readonly environment?: RecipeEnvironment;
}

/**
 * Who leads, each who leads after that, and what they proclaim, in order; what changes faster than it is read may be
 * left out. Ends when it is left. Takes no session: observers hold nothing. `name` is that of the `Election`. Rejects,
 * as an iterator, with `RecipeError` "aborted" or `ClientError`.
 */
export async function* observeElection(
  client: Client,
  name: string,
  options: ObserveOptions = {},
): AsyncGenerator<KeyValue, void, undefined> {
  const { signal, environment = platformEnvironment } = options;
  const prefix = `${name}/`;
  const call = signal === undefined ? {} : { signal };
  try {
    for (;;) {
      const { entries, revision } = await firstOf(client, prefix, environment, signal);
      const [leader] = entries;
      if (leader !== undefined) yield leader;
      const startRevision = revision + 1n;
      // Without a leader the first put says that there is one; it is read again, with its order.
      const keys = leader === undefined ? { prefix } : leader.key;
      await using watch = client.watch(keys, { startRevision, timeoutMs: 0, ...call });
      try {
        for await (const { type, entry } of watch) {
          if (leader === undefined || type === 'delete') break;
          yield entry;
        }
      } catch (error) {
        if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
      }
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw abortedError(`observing ${prefix}`, signal);
  }
}

/** The key below a prefix that was created first, if there is any. */
export async function firstOf(
  client: Client,
  prefix: string,
  { timers }: RecipeEnvironment,
  signal: AbortSignal = new AbortController().signal,
): Promise<RangeResult> {
  const options = { sortBy: 'createRevision', limit: 1, signal } as const;
  return await persistently(() => client.range({ prefix }, options), timers, signal);
}
