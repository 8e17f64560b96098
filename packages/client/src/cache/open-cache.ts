import type { CallOptions } from '../call-options.ts';
import type { ClientParts } from '../client.ts';
import type { Keys, Keyspace } from '../keyspace.ts';
import { GetAll, type GetAllOptions } from '../kv/get-all.ts';
import { rangeMessage, readRange } from '../kv/range.ts';
import { PlainSource } from '../watch/watch-source.ts';
import { Cache, type CacheOptions } from './cache.ts';

/**
 * Bytes of events that may wait for the cache, which takes them as they come: more wait only while the process is
 * busy with something else for long.
 */
const maxQueuedBytes = 16 << 20;

/** Begins to read and to follow a range. Throws `ClientError` for keys that are none. */
export function openCache(
  { rpc, watches, timers }: ClientParts,
  keyspace: Keyspace,
  keys: Keys,
  options: CacheOptions,
): Cache {
  const { key, rangeEnd } = keyspace.span(keys);
  // The caller's bytes may change, and the server is asked more than once.
  const span = { key: key.slice(), rangeEnd: rangeEnd.slice() };
  const watched = { span, previous: false, only: undefined, progress: true, maxQueuedBytes };
  return new Cache(
    {
      keys,
      timers,
      waitTimeoutMs: rpc.timeoutMs,
      lastError: () => watches.lastError,
      list: (listing: GetAllOptions) => new GetAll(rpc, keyspace, span, listing),
      watch: (startRevision, { onConnected, onDisconnected }) => {
        const options = { ...watched, startRevision, onConnected, onDisconnected };
        return new PlainSource(watches, keyspace, options);
      },
      storeRevision: async (call: CallOptions) => {
        // One key of those that the caller may read.
        const first = { key: span.key, rangeEnd: new Uint8Array(0) };
        const message = { ...rangeMessage(first, {}), countOnly: true };
        return (await readRange(rpc, message, call)).revision;
      },
    },
    options,
  );
}
